// The tools that assay stands in for, run beside it with the same arguments: sign-file of
// linux-kbuild, sbsign, sbverify and sbattach of sbsigntool; and what calls them, kbuild and DKMS.

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/hex.h"
#include "tests/cli/kernel_sample.h"
#include "tests/cli/run_assay.h"

namespace assay {
namespace {

namespace fs = std::filesystem;

const std::string kSignFile = "/usr/lib/linux-kbuild-6.1/scripts/sign-file";
const std::string kPe = "tests/cases/pe/";

class DropIn : public testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(folder_ / "bin");
    for (const char* tool : {"sign-file", "kmodsign", "sbsign", "sbverify", "sbattach"})
      fs::create_symlink(ASSAY_BINARY, folder_ / ("bin/" + std::string(tool)));
  }
  std::string ours(const std::string& tool) const { return folder_ / ("bin/" + tool); }
  static SigningKey& key() {
    static SigningKey one("Drop-in key");
    return one;
  }
  // A folder with the same file for each side.
  std::string side(const std::string& name) const {
    fs::create_directories(folder_ / name);
    return folder_ / name;
  }
  static std::map<std::string, Bytes> files_of(const std::string& folder) {
    std::map<std::string, Bytes> files;
    for (const auto& entry : fs::directory_iterator(folder))
      files[entry.path().filename().native()] = read_file(entry.path().native());
    return files;
  }
  static std::string text_of(const Finished& ran) { return {ran.out.begin(), ran.out.end()}; }
  // Runs both in folders of their own that hold `file`, "@" standing for the folder; what they
  // leave must be the same, and so their exit statuses.
  void same(const std::string& original, const std::string& tool, const Bytes& file,
            std::vector<std::string> arguments, int status = 0) {
    SCOPED_TRACE(tool + ' ' + testing::PrintToString(arguments));
    std::map<std::string, Bytes> left[2];
    int i = 0;
    for (const std::string& program : {original, ours(tool)}) {
      const std::string folder = side("side" + std::to_string(i));
      for (const auto& entry : fs::directory_iterator(folder)) fs::remove(entry.path());
      write_file(folder + "/file", file);
      std::vector<std::string> command{program};
      for (std::string argument : arguments) {
        if (const auto at = argument.find('@'); at != argument.npos)
          argument.replace(at, 1, folder);
        command.push_back(argument);
      }
      const Finished ran = run_command(command);
      EXPECT_EQ(ran.status, status) << program << ": " << ran.error;
      left[i++] = files_of(folder);
    }
    EXPECT_TRUE(left[0] == left[1]);
    EXPECT_EQ(left[0].size(), left[1].size());
  }
  TemporaryFolder folder_;
};

TEST_F(DropIn, SignFileByteForByte) {
  const Bytes module = sample_module("6.1.0-1-test");
  for (const char* hash : {"sha1", "sha224", "sha256", "sha384", "sha512", "SHA512"})
    same(kSignFile, "sign-file", module, {hash, key().key(), key().pem(), "@/file"});
  const std::vector<std::vector<std::string>> options = {{},     {"-p"},       {"-d"},
                                                         {"-k"}, {"-k", "-p"}, {"-pk"}};
  for (const auto& some : options)
    for (const char* destination : {"", "@/file", "@/signed"}) {
      std::vector<std::string> arguments = some;
      for (const std::string& argument :
           {std::string("sha256"), key().key(), key().certificate(), std::string("@/file")})
        arguments.push_back(argument);
      if (*destination != '\0') arguments.emplace_back(destination);
      same(kSignFile, "sign-file", module, arguments);
      same(kSignFile, "kmodsign", module, arguments);
    }
  // A kernel image, where the same format is appended: s390, or for kexec and IMA.
  same(kSignFile, "sign-file", read_file(kPe + "artifacts/unsigned.efi"),
       {"sha256", key().key(), key().pem(), "@/file"});
}

TEST_F(DropIn, SignFileTakesASignatureMadeElsewhere) {
  const Bytes module = sample_module("6.1.0-1-test");
  write_file(folder_ / "module", module);
  run_or_fail({kSignFile, "-d", "sha256", key().key(), key().pem(), folder_ / "module"});
  same(kSignFile, "sign-file", module,
       {"-s", folder_ / "module.p7s", "sha256", key().pem(), "@/file"});
  same(kSignFile, "sign-file", module,
       {"-s", folder_ / "module.p7s", "sha256", key().pem(), "@/file", "@/signed"});
}

TEST_F(DropIn, SignFileFailsAsItsOriginal) {
  const Bytes module = sample_module("6.1.0-1-test");
  const std::string k = key().key();
  const std::string c = key().pem();
  same(kSignFile, "sign-file", module, {}, 2);
  same(kSignFile, "sign-file", module, {"sha256", k, c}, 2);
  same(kSignFile, "sign-file", module, {"-x", "sha256", k, c, "@/file"}, 2);
  same(kSignFile, "sign-file", module, {"sha256", k, c, "@/file", "@/signed", "more"}, 2);
  same(kSignFile, "sign-file", module, {"sha257", k, c, "@/file"}, 1);
  same(kSignFile, "sign-file", module, {"sha256", "@/none", c, "@/file"}, 1);
  same(kSignFile, "sign-file", module, {"sha256", k, "@/none", "@/file"}, 1);
  same(kSignFile, "sign-file", module, {"sha256", k, c, "@/none"}, 1);
  const SigningKey other("Other key");
  same(kSignFile, "sign-file", module, {"sha256", k, other.pem(), "@/file"}, 1);
}

// Where the original goes wrong without a word.
TEST_F(DropIn, SignFileReplacesAndSignsInsideCompression) {
  const std::string module = folder_ / "m.ko";
  write_file(module, sample_module("6.1.0-1-test"));
  ASSERT_EQ(::chmod(module.c_str(), 0640), 0);
  const std::vector<std::string> sign{ours("sign-file"), "sha256", key().key(), key().pem(),
                                      module};
  EXPECT_EQ(run_command(sign).status, 0);
  const Bytes once = read_file(module);
  const Finished again = run_command(sign);
  EXPECT_EQ(again.status, 0);
  EXPECT_NE(again.error.find("was signed already"), std::string::npos) << again.error;
  EXPECT_TRUE(read_file(module) == once);
  struct stat status = {};
  ASSERT_EQ(::stat(module.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0640U);
  write_file(module, sample_module("6.1.0-1-test"));
  run_or_fail({"xz", "--check=crc32", "--lzma2=dict=1MiB", module});
  const std::string compressed = module + ".xz";
  EXPECT_EQ(run_command({ours("sign-file"), "sha256", key().key(), key().pem(), compressed}).status,
            0);
  run_or_fail({"xz", "-dk", compressed});
  EXPECT_TRUE(read_file(module) == once);
  // Another module's signature is nobody's business here, one of no form is refused.
  write_file(folder_ / "junk", Bytes(100, 1));
  EXPECT_EQ(run_command({ours("sign-file"), "-s", folder_ / "junk", "sha256", key().pem(), module})
                .status,
            1);
}

TEST_F(DropIn, LinksAreKept) {
  const std::string module = folder_ / "m.ko";
  write_file(module, sample_module("6.1.0-1-test"));
  fs::create_symlink("m.ko", folder_ / "link.ko");
  const auto sign = [&](const std::string& name) {
    return run_command({ours("sign-file"), "sha256", key().key(), key().pem(), folder_ / name})
        .status;
  };
  EXPECT_EQ(sign("link.ko"), 0);
  EXPECT_TRUE(fs::is_symlink(folder_ / "link.ko"));
  const Bytes once = read_file(module);
  EXPECT_GT(once.size(), sample_module("6.1.0-1-test").size());
  write_file(module, sample_module("6.1.0-1-test"));
  fs::create_hard_link(module, folder_ / "other.ko");
  EXPECT_EQ(sign("m.ko"), 1);
  EXPECT_TRUE(read_file(module) == sample_module("6.1.0-1-test"));
}

TEST_F(DropIn, SbattachByteForByte) {
  const Bytes bare = read_file(kPe + "artifacts/unsigned.efi");
  write_file(folder_ / "image", bare);
  const std::string made = folder_ / "signed";
  run_or_fail(
      {"sbsign", "--key", key().key(), "--cert", key().pem(), "--output", made, folder_ / "image"});
  const std::string signature = folder_ / "signature";
  run_or_fail({"sbattach", "--detach", signature, made});
  const Bytes once = read_file(made);
  const std::string twice = folder_ / "twice";
  write_file(twice, once);
  run_or_fail({"sbattach", "--attach", signature, twice});
  const std::string original = "sbattach";
  same(original, "sbattach", bare, {"--attach", signature, "@/file"});
  same(original, "sbattach", once, {"--attach", signature, "@/file"});
  same(original, "sbattach", once, {"--detach", "@/out", "@/file"});
  same(original, "sbattach", read_file(twice), {"--signum", "2", "--detach", "@/out", "@/file"});
  same(original, "sbattach", read_file(twice), {"--signum", "1", "--remove", "@/file"});
  same(original, "sbattach", read_file(twice), {"-s", "2", "-d", "@/out", "-r", "@/file"});
  same(original, "sbattach", bare, {"--remove", "@/file"}, 1);
  same(original, "sbattach", bare, {"--detach", "@/out", "@/file"}, 1);
  same(original, "sbattach", once, {"--detach", "@/out", "--signum", "2", "@/file"}, 1);
  same(original, "sbattach", bare, {"--attach", "@/none", "@/file"}, 1);
  same(original, "sbattach", bare, {"@/file"}, 1);
  same(original, "sbattach", bare, {"--attach", signature, "--remove", "@/file"}, 1);
  same(original, "sbattach", bare, {"--attach", signature, "--detach", "@/out", "@/file"}, 1);
  same(original, "sbattach", bare, {"--attach", signature}, 1);
  same(original, "sbattach", bare, {"--attach", signature, "@/none"}, 1);
  same(original, "sbattach", Bytes(100, 1), {"--attach", signature, "@/file"}, 1);
  // The original leaves another checksum than the image had before it was signed.
  write_file(folder_ / "stripped", once);
  EXPECT_EQ(run_command({ours("sbattach"), "--remove", folder_ / "stripped"}).status, 0);
  EXPECT_TRUE(read_file(folder_ / "stripped") == bare);
  // And puts the signature of one image into another, where no firmware takes it.
  Bytes changed = bare;
  changed[0x400] ^= 1;
  write_file(folder_ / "changed", changed);
  EXPECT_EQ(run_command({ours("sbattach"), "--attach", signature, folder_ / "changed"}).status, 1);
  EXPECT_TRUE(read_file(folder_ / "changed") == changed);
}

TEST_F(DropIn, SbsignIsTakenByItsOriginalsVerifier) {
  const std::string bare = kPe + "artifacts/unsigned.efi";
  write_file(folder_ / "image", read_file(bare));
  const auto sign = [&](const std::string& program, std::vector<std::string> more) {
    std::vector<std::string> command{program, "--key", key().key(), "--cert", key().pem()};
    command.insert(command.end(), more.begin(), more.end());
    return run_command(command).status;
  };
  const auto is_good = [&](const std::vector<std::string>& more) {
    std::vector<std::string> command{"sbverify", "--cert", key().pem()};
    command.insert(command.end(), more.begin(), more.end());
    return run_command(command).status == 0;
  };
  const std::string image = folder_ / "image";
  EXPECT_EQ(sign(ours("sbsign"), {image}), 0);
  EXPECT_TRUE(is_good({image + ".signed"}));
  EXPECT_EQ(sign(ours("sbsign"), {"--detached", image}), 0);
  EXPECT_TRUE(is_good({"--detached", image + ".pk7", image}));
  EXPECT_TRUE(read_file(image) == read_file(bare));
  // In place, as boot scripts do; and once more.
  EXPECT_EQ(sign(ours("sbsign"), {"--output", image, image}), 0);
  EXPECT_EQ(sign(ours("sbsign"), {"--output", image, image}), 0);
  EXPECT_TRUE(is_good({image}));
  run_or_fail({"sbattach", "--signum", "2", "--detach", folder_ / "second", image});
  run_or_fail({"sbattach", "--signum", "2", "--remove", image});
  run_or_fail({"sbattach", "--signum", "1", "--remove", image});
  EXPECT_TRUE(is_good({"--detached", folder_ / "second", bare}));
  const std::vector<std::vector<std::string>> wrong = {
      {},
      {folder_ / "none"},
      {"--output", folder_ / "no-such-folder/x/\x01/y", folder_ / "none"},
      {image, image},
      {"--output", folder_.path(), image},
      {"--output", folder_ / "no-such-folder/signed", image},
      {"--keyform", "DER", image}};
  for (const auto& arguments : wrong) {
    EXPECT_EQ(sign("sbsign", arguments), 1) << testing::PrintToString(arguments);
    EXPECT_EQ(sign(ours("sbsign"), arguments), 1) << testing::PrintToString(arguments);
  }
  write_file(folder_ / "text", Bytes(4096, 'x'));
  EXPECT_EQ(sign("sbsign", {folder_ / "text"}), 1);
  EXPECT_EQ(sign(ours("sbsign"), {folder_ / "text"}), 1);
}

// Every image of the corpus, with the signer's certificate and with another. Where the answers
// differ, ours is the firmware's.
TEST_F(DropIn, SbverifyAnswersAsItsOriginal) {
  const std::map<std::string, std::string> why = {
      {"all-sha384", "it knows digests by SHA-256 alone"},
      {"all-sha512", "likewise"},
      {"image-hash-common-name", "it wants the OID of the digest, which firmware passes over"},
      {"image-hash-unregistered", "likewise"},
      {"machine-6264", "it wants a machine it knows"},
      {"revision-1", "it wants revision 2 of WIN_CERTIFICATE, which firmware passes over"},
      {"der-indefinite-proper", "firmware's parser wants definite lengths"},
      {"junk-in-table", "firmware wants a table of whole entries"},
      {"length-1-more-than-table", "likewise"},
      {"table-size-1-more", "firmware wants the table inside the file"},
      {"headers-size-80", "it crashes"},
      {"no-content", "it crashes"},
      {"sections-200", "it crashes"},
      {"sections-200-unsigned", "it crashes"},
  };
  std::size_t compared = 0;
  std::set<std::string> differ;
  for (const char* name : {"good", "other"}) {
    const std::string certificate = folder_ / (std::string(name) + ".pem");
    run_or_fail({"openssl", "x509", "-inform", "DER", "-in", kPe + "keys/" + name + ".der", "-out",
                 certificate});
    for (const auto& entry : fs::directory_iterator(kPe + "artifacts")) {
      const std::string image = entry.path().native();
      if (entry.path().extension() != ".efi") continue;
      const Finished original = run_command({"sbverify", "--cert", certificate, image});
      const Finished our = run_command({ours("sbverify"), "--cert", certificate, image});
      ++compared;
      ASSERT_TRUE(our.status == 0 || our.status == 1) << image;
      if (original.status != our.status) {
        differ.insert(entry.path().stem().native());
        EXPECT_TRUE(why.contains(entry.path().stem().native()))
            << image << ": " << original.status << ", ours " << our.status << ' ' << our.error;
      } else {
        // Of what it takes for no image the original says nothing here.
        EXPECT_TRUE(original.out.empty() || text_of(our) == text_of(original)) << image;
      }
    }
  }
  EXPECT_GT(compared, 300U);
  for (const auto& [name, reason] : why) EXPECT_TRUE(differ.contains(name)) << name;
}

// A list that allows the digest of an image that nobody signed is no certificate.
TEST_F(DropIn, SbverifyTakesNoListOfDigests) {
  const std::string image = folder_ / "unsigned.efi";
  fs::copy_file("tests/cases/pe/artifacts/all-sha512.efi", image);
  ASSERT_EQ(run_command({"sbattach", "--remove", image}).status, 0);
  const Finished pesign = run_command({"pesign", "-h", "-d", "sha256", "-i", image});
  const std::string said(pesign.out.begin(), pesign.out.end());
  const std::size_t at = said.find_first_of("0123456789abcdef", said.find("hash: ") + 6);
  const auto digest = from_hex(said.substr(at, 64));
  ASSERT_TRUE(digest && digest->size() == 32) << said;
  // EFI_CERT_SHA256_GUID, the sizes of the list, its header and its entries, an owner.
  Bytes list = *from_hex(
      "2616c4c14c509240aca941f936934328"
      "4c000000"
      "00000000"
      "30000000" +
      std::string(32, '0'));
  list.insert(list.end(), digest->begin(), digest->end());
  write_file(folder_ / "allowed.esl", list);
  for (const std::string& file : {image, std::string("tests/cases/pe/artifacts/all-sha512.efi")}) {
    const Finished ran = run_command({ours("sbverify"), "--cert", folder_ / "allowed.esl", file});
    EXPECT_EQ(ran.status, 1);
    EXPECT_NE(ran.error.find("not a certificate"), std::string::npos) << ran.error;
  }
}

TEST_F(DropIn, SbverifyListsAsItsOriginal) {
  for (const char* name : {"signed", "unsigned", "other-then-good"}) {
    const std::string image = kPe + "artifacts/" + name + ".efi";
    const Finished original = run_command({"sbverify", "--list", image});
    const Finished our = run_command({ours("sbverify"), "--list", image});
    EXPECT_EQ(our.status, original.status) << name;
    EXPECT_EQ(text_of(our), text_of(original)) << name;
  }
  const std::string image = kPe + "artifacts/signed.efi";
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{{}, {"--cert", folder_ / "none", image}, {image}}) {
    std::vector<std::string> original{"sbverify"};
    std::vector<std::string> our{ours("sbverify")};
    original.insert(original.end(), arguments.begin(), arguments.end());
    our.insert(our.end(), arguments.begin(), arguments.end());
    EXPECT_EQ(run_command(our).status, run_command(original).status);
  }
}

// scripts/Makefile.modinst of a kernel's build, which calls scripts/sign-file.
TEST_F(DropIn, KbuildInstallsAndSigns) {
  const auto install = [&](const std::string& sign_file) {
    const std::string tree =
        folder_ / ("tree" + fs::path(sign_file).parent_path().filename().native());
    for (const char* name : {"include/config", "certs", "scripts", "drivers"})
      fs::create_directories(tree + '/' + name);
    std::ofstream(tree + "/include/config/auto.conf")
        << "CONFIG_MODULE_SIG_ALL=y\nCONFIG_MODULE_SIG_HASH=\"sha512\"\n"
           "CONFIG_MODULE_SIG_KEY=\"certs/signing_key.pem\"\nCONFIG_MODULE_COMPRESS_XZ=y\n";
    std::ofstream(tree + "/modules.order") << "drivers/a.ko\ndrivers/b.ko\n";
    fs::copy_file(key().key(), tree + "/certs/signing_key.pem");
    fs::copy_file(key().certificate(), tree + "/certs/signing_key.x509");
    fs::create_symlink(sign_file, tree + "/scripts/sign-file");
    for (const char* name : {"/drivers/a.ko", "/drivers/b.ko"})
      write_file(tree + name, sample_module("6.1.0-1-test"));
    const Finished made =
        run_command({"make", "-C", tree, "-f", "/usr/lib/linux-kbuild-6.1/scripts/Makefile.modinst",
                     "srctree=/usr/lib/linux-kbuild-6.1", "objtree=.", "MODORDER=modules.order",
                     "MODLIB=" + tree + "/out",
                     "KBUILD_EXTMOD=", "extmod_prefix=", "CONFIG_SHELL=sh", "XZ=xz"});
    EXPECT_EQ(made.status, 0) << made.error;
    return files_of(tree + "/out/kernel/drivers");
  };
  const auto by_original = install(kSignFile);
  const auto by_us = install(ours("sign-file"));
  EXPECT_EQ(by_us.size(), 2U);
  EXPECT_TRUE(by_us.contains("a.ko.xz"));
  EXPECT_TRUE(by_us == by_original);
}

// `dkms build` with sign_file in its configuration, here from its environment.
TEST_F(DropIn, DkmsBuildsAndSigns) {
  for (const char* name : {"src/sample-1", "tree", "lib/6.1.0-1-test", "kernel/include"})
    fs::create_directories(folder_ / name);
  const Bytes module = sample_module("6.1.0-1-test");
  write_file(folder_ / "src/sample-1/built", module);
  std::ofstream(folder_ / "src/sample-1/dkms.conf")
      << "PACKAGE_NAME=\"sample\"\nPACKAGE_VERSION=\"1\"\nBUILT_MODULE_NAME[0]=\"sample\"\n"
         "DEST_MODULE_LOCATION[0]=\"/updates\"\nMAKE[0]=\"cp built sample.ko\"\nCLEAN=\"true\"\n"
         "STRIP[0]=\"no\"\n";
  std::ofstream(folder_ / "kernel/.config") << "CONFIG_MODULE_SIG_HASH=\"sha256\"\n";
  const Finished built = run_command({"env",
                                      "sign_file=" + ours("sign-file"),
                                      "mok_signing_key=" + key().key(),
                                      "mok_certificate=" + key().certificate(),
                                      "dkms",
                                      "build",
                                      "-m",
                                      "sample",
                                      "-v",
                                      "1",
                                      "-k",
                                      "6.1.0-1-test",
                                      "-a",
                                      "x86_64",
                                      "--kernelsourcedir",
                                      folder_ / "kernel",
                                      "--dkmstree",
                                      folder_ / "tree",
                                      "--sourcetree",
                                      folder_ / "src",
                                      "--installtree",
                                      folder_ / "lib"});
  ASSERT_EQ(built.status, 0) << built.error;
  write_file(folder_ / "expected.ko", module);
  run_or_fail({kSignFile, "sha256", key().key(), key().pem(), folder_ / "expected.ko"});
  EXPECT_TRUE(read_file(folder_ / "tree/sample/1/6.1.0-1-test/x86_64/module/sample.ko") ==
              read_file(folder_ / "expected.ko"));
}

}  // namespace
}  // namespace assay
