// sources/test_visitor.h - for tests: what a source yields, by name.

#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "bytes/content.h"
#include "sources/nest.h"
#include "sources/source.h"

namespace assay {

struct TestVisitor final : SourceVisitor {
  std::vector<std::pair<std::string, std::string>> files;  // name and content
  std::map<std::string, FileAttributes> attributes;
  std::map<std::string, std::string> failures;  // reason by name
  std::map<std::string, Error> errors;
  int skipped_count = 0;

  void found(Found found) override {
    std::unique_ptr<Content> file;
    if (!found.content) {
      auto opened = open_file(found.path);
      ASSERT_TRUE(opened) << found.path;
      file = std::move(*opened);
    }
    const Content& content = file ? *file : *found.content;
    std::vector<std::uint8_t> scratch;
    const auto bytes = view_of(content, 0, content.size(), scratch);
    files.emplace_back(found.name, bytes ? std::string(bytes->text()) : "unreadable");
    if (found.attributes) attributes[found.name] = *found.attributes;
  }
  void failed(Error error) override {
    failures[error.path] = reason_id(error.reason);
    errors.insert_or_assign(error.path, std::move(error));
  }
  void skipped() override { ++skipped_count; }

  // As `files`, those alone whose content is a text of a test; files on disk, which are yielded
  // beside what is in them, left out.
  std::map<std::string, std::string> inside() const {
    std::map<std::string, std::string> inside;
    for (const auto& [name, content] : files)
      if (name.find('!') != name.npos) inside[name] = content;
    return inside;
  }
};

inline TestVisitor walk_path(const std::string& path, const NestingLimits& nesting = {}) {
  TestVisitor visitor;
  ByteBudget budget(limits::kInFlight);
  const auto kind = source_kind(path);
  EXPECT_TRUE(kind) << path;
  if (kind) walk_source(path, *kind, {budget, 1, nesting}, visitor);
  return visitor;
}

}  // namespace assay
