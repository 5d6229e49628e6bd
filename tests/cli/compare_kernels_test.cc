// Kernels that were built twice, with a module signing key each time, as assay compare tells them
// apart. A real linker lays them out and computes their build-ids; OpenSSL makes keys and
// signatures, xz the payloads.

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/cli/kernel_sample.h"
#include "tests/cli/run_assay.h"

namespace assay {
namespace {

const std::string kRelease = "6.1.0-1-test";
const std::string kCode = "the code of this kernel";

// A vmlinux as arch/x86/boot/compressed packs it: `certificates` in a list as
// certs/system_certificates.S lays it out, the first being that of the modules.
Bytes link_kernel(const std::string& folder, const std::vector<Bytes>& certificates,
                  const std::string& code = kCode) {
  const std::string path = folder + "/vmlinux";
  std::string list;
  for (std::size_t i = 0; i < certificates.size(); ++i) {
    write_file(path + std::to_string(i), certificates[i]);
    list += ".incbin \"" + path + std::to_string(i) + "\"\n" + (i == 0 ? "first_end:\n" : "");
  }
  const std::string source =
      ".globl _start\n_start: ret\n.data\n.asciz \"Linux version " + kRelease +
      " (a@b) (gcc) #1 SMP\"\n.balign 8\nlist:\n" + list +
      "list_end:\n.balign 8\n.quad list_end - list\n.quad first_end - list\n.asciz \"" + code +
      "\"\n.fill 40000, 1, 0x5a\n";
  write_file(path + ".s", Bytes(source.begin(), source.end()));
  run_or_fail({"as", "-o", path + ".o", path + ".s"});
  run_or_fail({"ld", "--build-id=sha1", "-Ttext=0xffffffff81000000", "-o", path, path + ".o"});
  run_or_fail({"objcopy", "-R", ".comment", "-S", path});
  return read_file(path);
}

void put_word(Bytes& file, std::size_t at, std::size_t value, std::size_t size = 4) {
  file.resize(std::max(file.size(), at + size));
  for (std::size_t i = 0; i < size; ++i) file[at + i] = static_cast<std::uint8_t>(value >> (8 * i));
}

// scripts/Makefile.lib: cmd_xzkern, and the size behind it.
Bytes pack(const Bytes& kernel, const std::string& level = "-9") {
  Bytes packed = run_command({"xz", "--check=crc32", level, "-c"}, kernel).out;
  put_word(packed, packed.size(), kernel.size());
  return packed;
}

// A bzImage (Documentation/x86/boot.rst), without the checksum behind it.
Bytes wrap(const Bytes& payload) {
  constexpr std::size_t kSetupSectors = 7;
  constexpr std::size_t kPayloadOffset = 0x2cc;
  Bytes file;
  put_word(file, 0x1f1, kSetupSectors, 1);
  put_word(file, 0x1fe, 0xaa55, 2);
  put_word(file, 0x202, 0x53726448);
  put_word(file, 0x206, 0x20f, 2);
  put_word(file, 0x236, 0x7f, 2);
  put_word(file, 0x248, kPayloadOffset);
  put_word(file, 0x24c, payload.size());
  file.resize((kSetupSectors + 1) * 512 + kPayloadOffset, 0x90);
  file.insert(file.end(), payload.begin(), payload.end());
  file.resize(file.size() + 1000, 0xcc);  // the decompressor
  return file;
}

// arch/x86/boot/tools/build.c: the CRC without its last inversion, which gzip's has.
Bytes with_crc(Bytes image) {
  const Bytes packed = run_command({"gzip", "-1", "-c"}, image).out;
  for (std::size_t i = packed.size() - 8; i < packed.size() - 4; ++i)
    image.push_back(static_cast<std::uint8_t>(~packed[i]));
  return image;
}

class CompareKernels : public testing::Test {
 protected:
  const SigningKey& key(const std::string& side) const { return side == "a" ? first_ : second_; }
  void write(const std::string& path, const Bytes& bytes) { write_file(folder_ / path, bytes); }
  void write_image(const std::string& side, const Bytes& image) {
    write(side + "/boot/vmlinuz-" + kRelease, image);
  }
  void write_module(const std::string& side, const SigningKey& with,
                    const std::string& name = "m.ko") {
    write(side + "/lib/modules/" + kRelease + "/kernel/" + name,
          with.sign(sample_module(kRelease)));
  }
  Bytes kernel(const std::string& side, const std::string& code = kCode) {
    return link_kernel(folder_ / "", {key(side).der()}, code);
  }
  // Both sides whole: what is told apart is what a test changes.
  void write_sides() {
    for (const std::string side : {"a", "b"}) {
      write_module(side, key(side));
      write_module(side, key(side), "n.ko");
      write_image(side, with_crc(wrap(kernel(side))));
    }
  }
  Ran compare() const { return run_assay({"compare", "--json", folder_ / "a", folder_ / "b"}); }
  static Json image(const Ran& ran) { return ran.artifact("boot/vmlinuz-" + kRelease); }
  void expect_different(const std::string& reason) {
    const Ran ran = compare();
    EXPECT_EQ(ran.status, 1);
    EXPECT_EQ(image(ran)["verdict"], "different") << ran.out << ran.error;
    EXPECT_NE(image(ran)["reason"].get<std::string>().find(reason), std::string::npos) << ran.out;
  }

  TemporaryFolder folder_;
  // Of names and serial numbers of one length, as two builds of one configuration.
  SigningKey first_{"build time key 1"};
  SigningKey second_{"build time key 2"};
};

TEST_F(CompareKernels, OfTwoBuildsDifferInTheCertificateOfTheirModules) {
  write_sides();
  const Ran ran = compare();
  EXPECT_EQ(ran.status, 1) << ran.error;
  const Json found = image(ran);
  EXPECT_EQ(found["verdict"], "content-equal") << ran.out;
  EXPECT_NE(found["wrapping"][0].get<std::string>().find(
                "removing signatures alone will not reproduce this kernel"),
            std::string::npos);
  EXPECT_EQ(found["kernel"]["release"], kRelease);
  EXPECT_EQ(found["kernel"]["a"]["subject"], "build time key 1");
  EXPECT_EQ(found["kernel"]["b"]["subject"], "build time key 2");
  EXPECT_EQ(found["kernel"]["modules"], 2);
  EXPECT_EQ(found["kernel"]["build_id"]["size"], 20);
  const Bytes plain = kernel("a");
  const Bytes der = first_.der();
  EXPECT_EQ(found["kernel"]["certificate"]["offset"],
            std::ranges::search(plain, der).begin() - plain.begin());
  EXPECT_EQ(ran.summary()["verdict"], "content-equal");
  EXPECT_EQ(ran.summary()["transplanted"], 2);
  EXPECT_EQ(ran.summary()["certificate_bytes"], der.size() + 20);
  const Ran text = run_assay({"compare", folder_ / "a", folder_ / "b"});
  EXPECT_NE(text.out.find("each signed the 2 modules of its side"), std::string::npos) << text.out;
}

// The images of a package are gone when their counterparts are read.
TEST_F(CompareKernels, OfArchivesAreComparedWithin) {
  write_sides();
  for (const std::string side : {"a", "b"})
    run_or_fail({"tar", "-C", folder_ / side, "-cf", folder_ / (side + ".tar"), "."});
  const Ran ran = run_assay({"compare", "--json", folder_ / "a.tar", folder_ / "b.tar"});
  EXPECT_EQ(image(ran)["verdict"], "content-equal") << ran.out << ran.error;
  EXPECT_EQ(image(ran)["kernel"]["modules"], 2);
}

TEST_F(CompareKernels, OfCompressedPayloadsAreComparedDecompressed) {
  write_sides();
  const Bytes a = pack(kernel("a"));
  // Until xz makes as many bytes of it: certificates hold random numbers.
  Bytes b;
  for (int serial = 100; serial < 228 && b.size() != a.size(); ++serial) {
    second_.certify("sha256", std::to_string(serial % 100 + 20));
    b = pack(kernel("b"));
  }
  ASSERT_EQ(a.size(), b.size());
  write_module("b", second_);
  write_module("b", second_, "n.ko");
  write_image("a", with_crc(wrap(a)));
  write_image("b", with_crc(wrap(b)));
  const Ran ran = compare();
  EXPECT_EQ(image(ran)["verdict"], "content-equal") << ran.out << ran.error;

  // Of another size: the decompressor's addresses are others.
  const Bytes larger = pack(kernel("b"), "-0");
  ASSERT_NE(larger.size(), a.size());
  write_image("b", with_crc(wrap(larger)));
  expect_different("what lies around the kernels is not compared");
  EXPECT_EQ(image(compare())["kernel"]["difference"], "");

  // Behind the stream, where no decompressor looks.
  Bytes smuggled = pack(kernel("b"));
  smuggled.insert(smuggled.end() - 4, 4096, 'x');
  write_image("b", with_crc(wrap(smuggled)));
  expect_different("the content differs");
  EXPECT_TRUE(image(compare())["kernel"].is_null());
}

TEST_F(CompareKernels, ThatDifferElsewhereAreDifferent) {
  write_sides();
  const Bytes plain = kernel("b", "The code of this kernel");
  write_image("b", with_crc(wrap(plain)));
  const std::string code = "The code";
  expect_different("outside their certificates as well, first at offset " +
                   std::to_string(std::ranges::search(plain, code).begin() - plain.begin()));

  // Keys of the configuration are no keys of the build.
  const SigningKey other("another key  1");
  for (const std::string side : {"a", "b"})
    write_image(
        side,
        with_crc(wrap(link_kernel(
            folder_ / "",
            {key(side).der(), side == "a" ? other.der() : SigningKey("another key  2").der()}))));
  expect_different("outside their certificates as well");
}

TEST_F(CompareKernels, WhoseImagesDifferAroundThemAreDifferent) {
  write_sides();
  Bytes image = wrap(kernel("b"));
  image[0x1000] ^= 1;
  write_image("b", with_crc(image));
  expect_different("around the kernels as well, first at offset 4096");
  image[0x1000] ^= 1;
  const std::size_t end = image.size();
  write_image("b", with_crc(image));
  EXPECT_EQ(CompareKernels::image(compare())["verdict"], "content-equal");
  image = with_crc(image);
  image[end] ^= 1;
  write_image("b", image);
  expect_different("around the kernels as well, first at offset " + std::to_string(end));
}

// The certificate is the key of the modules, of all of them, and of these alone.
TEST_F(CompareKernels, WhoseModulesAreSignedOtherwiseAreDifferent) {
  const SigningKey third("build time key 3");
  write_sides();
  write_module("b", third);
  expect_different("m.ko of B is not shown to be signed with it alone");
  write_module("b", second_);
  EXPECT_EQ(image(compare())["verdict"], "content-equal");
  write_module("a", second_, "o.ko");
  write_module("b", second_, "o.ko");
  expect_different("o.ko is signed with the same key in A and B");
  // Signed by nobody it says nothing.
  for (const std::string side : {"a", "b"})
    write(side + "/lib/modules/" + kRelease + "/kernel/o.ko", sample_module(kRelease));
  EXPECT_EQ(image(compare())["verdict"], "content-equal");
  for (const std::string side : {"a", "b"}) std::filesystem::remove_all(folder_ / (side + "/lib"));
  expect_different("no module is there that it signed");
}

// A's record fits B's module, which is the same, and makes A's file of it; B's kernel has not the
// key.
TEST_F(CompareKernels, KnowNoModulesOfEachOther) {
  write_sides();
  const std::string inner = "/lib/modules/" + kRelease + "/kernel/m.ko";
  ASSERT_EQ(run_assay({"excise", "--records", folder_ / "records", "-o", folder_ / "bare-a",
                       folder_ / ("a" + inner)})
                .status,
            0);
  ASSERT_EQ(
      run_assay({"excise", "--discard", "-o", folder_ / "bare-b", folder_ / ("b" + inner)}).status,
      0);
  ASSERT_EQ(run_assay({"attach", "--records", folder_ / "records", "-o", folder_ / "again.ko",
                       folder_ / "bare-b"})
                .status,
            0);
  EXPECT_EQ(read_file(folder_ / "again.ko"), read_file(folder_ / ("a" + inner)));
  for (const std::string side : {"a", "b"}) {
    const Ran ran =
        run_assay({"verify", "--json", "--kernel", folder_ / (side + "/boot/vmlinuz-" + kRelease),
                   folder_ / "again.ko"});
    const Json module = ran.artifact("again.ko");
    EXPECT_EQ(module["status"], side == "a" ? "verified" : "untrusted") << ran.out;
    if (side == "b") {
      EXPECT_EQ(module["reason"]["errno"], "ENOKEY");
    }
  }
}

}  // namespace
}  // namespace assay
