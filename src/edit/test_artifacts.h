// edit/test_artifacts.h - artifacts in memory, for the tests of this room.

#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "edit/artifact.h"

namespace assay::test {

inline std::vector<std::uint8_t> all_of(const Content& content) {
  std::vector<std::uint8_t> bytes(content.size());
  EXPECT_TRUE(content.read(0, bytes));
  return bytes;
}

inline Artifact artifact_of(const std::string& name, std::vector<std::uint8_t> bytes) {
  auto artifact = make_artifact(name, std::move(bytes));
  EXPECT_TRUE(artifact) << describe(artifact.error());
  return std::move(*artifact);
}

}  // namespace assay::test
