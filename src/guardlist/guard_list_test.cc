#include "guardlist/guard_list.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "base/hex.h"
#include "guardlist/body.h"
#include "testing/der.h"

namespace assay {
namespace {

using Bytes = std::vector<std::uint8_t>;

const std::string kHeader =
    "assay-guard-list 1 name=debian version=6.1.192-2 serial=7 hash=sha256 mode=body "
    "classes=firmware,module\n";
const std::string kA = std::string(64, 'a');
const std::string kB = std::string(64, 'b');

// A sentence about what is wrong, or nothing.
std::string fault_of(const std::string& text) {
  const auto list = parse_guard_list(View(bytes_of(text)));
  if (list) return {};
  return std::string(reason_id(list.error().reason)) + ": " + list.error().detail;
}

TEST(GuardList, ReadsThePage) {
  const std::string text = kHeader + kA + " module linux-image 6.1.192-2 lib/modules/a%20b.ko\n" +
                           kB + " firmware,module - - %2D\n";
  const auto list = parse_guard_list(View(bytes_of(text)));
  ASSERT_TRUE(list.has_value()) << describe(list.error());
  EXPECT_EQ(list->name, "debian");
  EXPECT_EQ(list->version, "6.1.192-2");
  EXPECT_EQ(list->serial, 7U);
  EXPECT_EQ(list->mode, GuardMode::body);
  EXPECT_EQ(list->classes, 0x06U);
  ASSERT_EQ(list->rows.size(), 2U);
  EXPECT_EQ(list->rows[0].origin, (GuardOrigin{"linux-image", "6.1.192-2", "lib/modules/a b.ko"}));
  EXPECT_EQ(list->rows[1].origin, (GuardOrigin{"", "", "-"}));
  EXPECT_EQ(list->rows[1].mask, 0x06U);
  GuardDigest digest;
  digest.fill(0xBB);
  EXPECT_EQ(list->find(digest), &list->rows[1]);
  digest.fill(0xBC);
  EXPECT_EQ(list->find(digest), nullptr);
}

TEST(GuardList, OtherSpellingsAreNone) {
  const std::string row = kA + " module - - -\n";
  const auto with = [](std::string_view from, std::string_view to) {
    std::string header = kHeader;
    return header.replace(header.find(from), from.size(), to);
  };
  const std::pair<std::string, std::string> cases[] = {
      {"", "bytes/bad-magic"},
      {"assay-guard-list", "bytes/truncated"},
      {with("1 name", "2 name"), "line 1: format 2"},
      {with("name=debian", "name=de/bian"), "not a list's name"},
      {with("serial=7", "serial=07"), "serial"},
      {with("serial=7", "serial=18446744073709551616"), "serial"},
      {with("sha256", "sha512"), "hash"},
      {with("mode=body", "mode=elf"), "mode"},
      {with("firmware,module", "module,firmware"), "classes"},
      {with(" mode", "  mode"), "fields of a header"},
      {with("version=", "release="), "version=... is missing"},
      {kHeader + kA.substr(1) + "A module - - -\n", "line 2: not 64"},
      {kHeader + kA + " policy - - -\n", "line 2: a class that the header has not"},
      {kHeader + kA + " module - -\n", "line 2: a row has five fields"},
      {kHeader + kA + " module - - %61\n", "another spelling"},
      {kHeader + kA + " module - - \n", "another spelling"},
      {kHeader + row + row, "line 3: rows do not ascend"},
      {kHeader + kB + " module - - -\n" + row, "line 3: rows do not ascend"},
      {kHeader + kA + " module - - -", "bytes/truncated: line 2"},
      {kHeader + "\n", "line 2: a row has five fields"},
  };
  for (const auto& [text, wanted] : cases)
    EXPECT_NE(fault_of(text).find(wanted), std::string::npos) << text << fault_of(text);
  EXPECT_EQ(fault_of(kHeader), "");
  EXPECT_EQ(fault_of(kHeader + row), "");
}

TEST(GuardList, HasRoomForAsManyDigestsAsTheKernelsMap) {
  GuardList list;
  list.name = "full";
  list.classes = mask_of(ReadClass::module);
  for (std::size_t i = 0; i <= kGuardListRows; ++i) {
    GuardRow row;
    row.digest[0] = static_cast<std::uint8_t>(i >> 16);
    row.digest[1] = static_cast<std::uint8_t>(i >> 8);
    row.digest[2] = static_cast<std::uint8_t>(i);
    row.mask = list.classes;
    list.rows.push_back(row);
  }
  const auto over = write_guard_list(list);
  ASSERT_FALSE(over.has_value());
  EXPECT_EQ(over.error().reason, Reason::limit_count);
  list.rows.pop_back();
  const auto full = write_guard_list(list);
  ASSERT_TRUE(full.has_value());
  EXPECT_EQ(fault_of(*full), "");
  EXPECT_NE(fault_of(*full + kB + " module - - -\n").find("limit/count"), std::string::npos);
}

TEST(GuardList, ReadsAsItIsWrittenWhateverTheOrderOfFiles) {
  EXPECT_TRUE(rc::check("a list reads as it is written", [] {
    GuardList list;
    list.name = "some";
    list.version = *rc::gen::arbitrary<std::string>();
    list.serial = *rc::gen::arbitrary<std::uint64_t>();
    list.mode = *rc::gen::element(GuardMode::whole, GuardMode::body);
    list.classes = kAllReads;
    for (const auto& [filler, path] :
         *rc::gen::arbitrary<std::vector<std::pair<std::uint8_t, std::string>>>()) {
      GuardRow row;
      row.digest.fill(filler);
      row.mask = *rc::gen::inRange<ReadMask>(1, 128) << 1;
      row.origin = {*rc::gen::arbitrary<std::string>(), "", path};
      list.rows.push_back(row);
    }
    GuardList backwards = list;
    std::ranges::reverse(backwards.rows);
    make_canonical(list);
    make_canonical(backwards);
    RC_ASSERT(list == backwards);
    const auto text = write_guard_list(list);
    RC_ASSERT(text.has_value());
    const auto again = parse_guard_list(View(bytes_of(*text)));
    RC_ASSERT(again.has_value());
    RC_ASSERT(*again == list);
  }));
}

// The sizes that the kernel program is specified to hash.
TEST(GuardBody, CutsOneSignature) {
  const auto trailer = [](std::uint32_t size) {
    return der::join({Bytes{0, 0, 2, 0, 0, 0, 0, 0, 0, 0, static_cast<std::uint8_t>(size >> 8),
                            static_cast<std::uint8_t>(size)},
                      der::bytes("~Module signature appended~\n")});
  };
  const Bytes body(100, 'b');
  const Bytes once = der::join({body, Bytes(7, 's'), trailer(7)});
  struct Case {
    const char* what;
    Bytes file;
    std::uint64_t size;
  };
  const Case cases[] = {
      {"none", body, 100},
      {"one", once, 100},
      {"two", der::join({once, Bytes(9, 't'), trailer(9)}), once.size()},
      {"of no bytes", der::join({body, trailer(0)}), 100},
      {"all but a byte", der::join({body, trailer(99)}), 1},
      {"all", der::join({body, trailer(100)}), 140},
      {"more than all", der::join({body, trailer(101)}), 140},
      {"a file of 40 bytes", trailer(0), 40},
      {"a marker alone", der::bytes("~Module signature appended~\n"), 28},
      {"a byte behind", der::join({once, Bytes{0}}), once.size() + 1},
  };
  for (const Case& one : cases) {
    const auto size = guard_body_size(ViewContent(View(one.file)));
    ASSERT_TRUE(size.has_value()) << one.what;
    EXPECT_EQ(*size, one.size) << one.what;
  }
  // printf 'b%.0s' {1..100} | sha256sum
  const ViewContent content{View(once)};
  const auto digest = [&content](GuardMode mode, ReadClass what) {
    return to_hex(*guard_digest(content, mode, what));
  };
  EXPECT_EQ(digest(GuardMode::body, ReadClass::module),
            "d6cbb053abf2933889a0ccbf6ac244623a63a2e3397e991dde09266bdaa932d1");
  // An initramfs with something behind it is another one, whatever that is called.
  const std::string whole = digest(GuardMode::whole, ReadClass::module);
  EXPECT_NE(whole, digest(GuardMode::body, ReadClass::module));
  EXPECT_EQ(whole, digest(GuardMode::body, ReadClass::kexec_initramfs));
  EXPECT_EQ(whole, digest(GuardMode::body, ReadClass::module_compressed));
}

}  // namespace
}  // namespace assay
