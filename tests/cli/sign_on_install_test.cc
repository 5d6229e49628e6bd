// The packages of docs/sign-on-install.md, installed by dpkg into a folder of their own: signed in
// whichever order they come, after upgrades and interruptions, and unsigned again afterwards.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/cli/kernel_sample.h"
#include "tests/cli/run_assay.h"

namespace assay {
namespace {

namespace fs = std::filesystem;

const std::string kRelease = "6.1.0-1-test";
const std::string kKernel = "/lib/modules/" + kRelease + "/kernel/";
const std::vector<std::string> kNames = {"fs/a.ko", "fs/b.ko", "net/c.ko.xz"};

struct Layout {
  const char* name;
  bool debian;  // .sig files instead of records
};
void PrintTo(const Layout& layout, std::ostream* out) { *out << layout.name; }

class SignOnInstall : public testing::TestWithParam<Layout> {
 protected:
  void SetUp() override {
    for (const char* name : {"bin", "root/var/lib/dpkg/info", "root/var/lib/dpkg/updates",
                             "root/var/lib/dpkg/triggers", "root/var/log"})
      fs::create_directories(folder_ / name);
    for (const char* name : {"status", "available"})
      std::ofstream(folder_ / ("root/var/lib/dpkg/" + std::string(name)));
    fs::create_symlink(ASSAY_BINARY, folder_ / "bin/assay");
    fs::create_symlink(ASSAY_BINARY, folder_ / "bin/sign-file");
    for (const char* version : {"1", "2"}) {
      make_modules(version);
      make_signatures(version);
    }
  }

  static SigningKey& key() {
    static SigningKey one("Signing service");
    return one;
  }
  std::string at(const std::string& name) const { return folder_ / name; }
  std::string installed(const std::string& name) const { return at("root" + kKernel + name); }

  static void write_text(const std::string& path, const std::string& text) {
    fs::create_directories(fs::path(path).parent_path());
    std::ofstream(path) << text;
  }
  void build(const std::string& package, const std::string& version) {
    const std::string folder = at(package + version);
    write_text(folder + "/DEBIAN/control",
               "Package: " + package + "\nVersion: " + version +
                   "\nArchitecture: all\nMaintainer: a <a@example.org>\nDescription: a sample\n");
    run_or_fail({"dpkg-deb", "--root-owner-group", "-Znone", "-b", folder, deb(package, version)});
  }
  std::string deb(const std::string& package, const std::string& version) const {
    return at(package + version + ".deb");
  }
  void make_modules(const std::string& version) {
    const std::string folder = at("modules" + version + kKernel);
    for (const std::string& name : kNames) {
      std::string plain = folder + name.substr(0, name.find(".ko") + 3);
      fs::create_directories(fs::path(plain).parent_path());
      Bytes module = sample_module(kRelease);
      for (const char c : name + version) module.push_back(static_cast<std::uint8_t>(c));
      write_file(plain, module);
      if (name.ends_with(".xz")) run_or_fail({"xz", "--check=crc32", "--lzma2=dict=1MiB", plain});
    }
    build("modules", version);
  }
  void make_signatures(const std::string& version) {
    const std::string own = at("signatures" + version + "/usr/share/assay/signatures/");
    const std::string kernel = at("modules" + version + kKernel);
    fs::create_directories(own);
    const Ran made =
        run_assay({"sign", "--key", key().key(), "--cert", key().pem(), "--records",
                   at("records" + version) + "/", "-o", at("signed" + version), kernel});
    ASSERT_EQ(made.status, 0) << made.error;
    if (GetParam().debian) {
      for (const std::string& name : kNames) {
        fs::create_directories(fs::path(own + "signatures/" + name).parent_path());
        fs::copy_file(kernel + name, at("one"), fs::copy_options::overwrite_existing);
        if (name.ends_with(".xz")) {
          fs::rename(at("one"), at("one.xz"));
          run_or_fail({"xz", "-d", at("one.xz")});
        }
        run_or_fail({"/usr/lib/linux-kbuild-6.1/scripts/sign-file", "-d", "sha256", key().key(),
                     key().pem(), at("one")});
        fs::rename(at("one.p7s"), own + "signatures/" + name + ".sig");
      }
    } else {
      fs::copy(at("records" + version), own + "records", fs::copy_options::recursive);
    }
    fs::copy_file(key().certificate(), own + "signer.der");
    fs::copy_file("docs/sign-on-install/modules.expect.toml", own + "modules.expect.toml");
    for (const char* name : {"postinst", "prerm", "triggers"}) {
      const Bytes bytes = read_file("docs/sign-on-install/" + std::string(name));
      std::string text(bytes.begin(), bytes.end());
      for (std::size_t place = 0; (place = text.find("@RELEASE@")) != text.npos;)
        text.replace(place, 9, kRelease);
      const std::string path = at("signatures" + version + "/DEBIAN/" + name);
      write_text(path, text);
      fs::permissions(path, fs::perms(name == std::string("triggers") ? 0644 : 0755));
    }
    build("signatures", version);
  }

  int dpkg(std::vector<std::string> arguments) {
    std::vector<std::string> command{"env",
                                     "PATH=" + at("bin") + ":/usr/sbin:/usr/bin:/sbin:/bin",
                                     "dpkg",
                                     "--root=" + at("root"),
                                     "--force-script-chrootless",
                                     "--log=/dev/null"};
    command.insert(command.end(), arguments.begin(), arguments.end());
    const Finished ran = run_command(command);
    said_ = ran.error + std::string(ran.out.begin(), ran.out.end());
    return ran.status;
  }
  int install(const std::string& package, const std::string& version = "1") {
    return dpkg({"-i", deb(package, version)});
  }
  std::string state(const std::string& package) {
    const Finished ran = run_command({"dpkg-query", "--admindir=" + at("root/var/lib/dpkg"), "-W",
                                      "-f", "${db:Status-Status} ${Version}", package});
    return ran.status == 0 ? std::string(ran.out.begin(), ran.out.end()) : "none";
  }
  // How many of the modules are those of the folder; no other file lies among them.
  int count_as_in(const std::string& folder) {
    int count = 0;
    for (const std::string& name : kNames)
      count += fs::exists(installed(name)) &&
               read_file(installed(name)) == read_file(folder + "/" + name);
    return count;
  }
  int count_signed(const std::string& version = "1") { return count_as_in(at("signed" + version)); }
  int count_unsigned(const std::string& version = "1") {
    return count_as_in(at("modules" + version + kKernel));
  }
  int count_files() {
    int count = 0;
    for (const auto& entry : fs::recursive_directory_iterator(at("root/lib/modules")))
      count += entry.is_regular_file();
    return count;
  }

  TemporaryFolder folder_;
  std::string said_;
};

TEST_P(SignOnInstall, InEitherOrder) {
  EXPECT_EQ(install("modules"), 0) << said_;
  EXPECT_EQ(count_unsigned(), 3);
  EXPECT_EQ(state("modules"), "installed 1");
  EXPECT_EQ(install("signatures"), 0) << said_;
  EXPECT_EQ(count_signed(), 3);
  EXPECT_EQ(state("signatures"), "installed 1");
  // Installed once more, each of them changes nothing.
  EXPECT_EQ(install("signatures"), 0) << said_;
  EXPECT_EQ(count_signed(), 3);
  EXPECT_EQ(install("modules"), 0) << said_;
  EXPECT_EQ(count_signed(), 3);
  EXPECT_EQ(count_files(), 3);
}

TEST_P(SignOnInstall, SignaturesFirst) {
  EXPECT_EQ(install("signatures"), 0) << said_;
  EXPECT_EQ(state("signatures"), "installed 1");
  EXPECT_EQ(install("modules"), 0) << said_;
  EXPECT_EQ(count_signed(), 3);
  EXPECT_EQ(state("modules"), "installed 1");
  EXPECT_EQ(state("signatures"), "installed 1");
}

TEST_P(SignOnInstall, BothInOneRun) {
  EXPECT_EQ(dpkg({"-i", deb("signatures", "1"), deb("modules", "1")}), 0) << said_;
  EXPECT_EQ(count_signed(), 3);
  EXPECT_EQ(dpkg({"-i", deb("modules", "2"), deb("signatures", "2")}), 0) << said_;
  EXPECT_EQ(count_signed("2"), 3);
  EXPECT_EQ(state("modules"), "installed 2");
  EXPECT_EQ(state("signatures"), "installed 2");
}

TEST_P(SignOnInstall, ModulesGoAndComeBack) {
  ASSERT_EQ(dpkg({"-i", deb("modules", "1"), deb("signatures", "1")}), 0) << said_;
  EXPECT_EQ(dpkg({"-r", "modules"}), 0) << said_;
  EXPECT_FALSE(fs::exists(installed("fs/a.ko")));
  EXPECT_EQ(state("signatures"), "installed 1");
  EXPECT_EQ(install("modules"), 0) << said_;
  EXPECT_EQ(count_signed(), 3);
}

TEST_P(SignOnInstall, WithoutSignaturesTheyAreAsTheirPackageHasThem) {
  ASSERT_EQ(dpkg({"-i", deb("modules", "1"), deb("signatures", "1")}), 0) << said_;
  ASSERT_EQ(count_signed(), 3);
  EXPECT_EQ(dpkg({"-r", "signatures"}), 0) << said_;
  EXPECT_EQ(count_unsigned(), 3);
  EXPECT_EQ(dpkg({"--verify", "modules"}), 0) << said_;
}

TEST_P(SignOnInstall, SignaturesOfAnotherBuildAreNotPutIn) {
  ASSERT_EQ(dpkg({"-i", deb("modules", "1"), deb("signatures", "1")}), 0) << said_;
  EXPECT_NE(install("modules", "2"), 0);
  EXPECT_NE(said_.find("are not those that it has signatures of"), std::string::npos) << said_;
  EXPECT_NE(state("signatures"), "installed 1");
  EXPECT_EQ(count_unsigned("2"), 3);
  // Their own come later.
  EXPECT_EQ(install("signatures", "2"), 0) << said_;
  EXPECT_EQ(count_signed("2"), 3);
  EXPECT_EQ(state("modules"), "installed 2");
  EXPECT_EQ(state("signatures"), "installed 2");
}

// The attach of the first run is killed when it has signed one module and begun with another.
TEST_P(SignOnInstall, AnInterruptionIsMadeUpFor) {
  ASSERT_EQ(install("modules"), 0) << said_;
  fs::remove(at("bin/assay"));
  write_text(at("bin/assay"), "#!/bin/sh\ncp '" + at("signed1/fs/a.ko") + "' '" +
                                  installed("fs/a.ko") + "'\nhead -c 100 '" +
                                  at("signed1/fs/b.ko") + "' > '" +
                                  installed("fs/.assay-1a2b-3c4d-5e6f-0123456789abcdef") + "'\nkill -KILL $$\n");
  fs::permissions(at("bin/assay"), fs::perms(0755));
  EXPECT_NE(install("signatures"), 0);
  EXPECT_EQ(state("signatures"), "half-configured 1");
  EXPECT_EQ(count_signed(), 1);
  EXPECT_EQ(count_unsigned(), 2);
  fs::remove(at("bin/assay"));
  fs::create_symlink(ASSAY_BINARY, at("bin/assay"));
  EXPECT_EQ(dpkg({"--configure", "-a"}), 0) << said_;
  EXPECT_EQ(count_signed(), 3);
  EXPECT_EQ(count_files(), 3);
  EXPECT_EQ(state("signatures"), "installed 1");
}

TEST_P(SignOnInstall, AModuleThatWasDeleted) {
  ASSERT_EQ(install("modules"), 0) << said_;
  fs::remove(installed("fs/b.ko"));
  EXPECT_EQ(install("signatures"), 0) << said_;
  EXPECT_EQ(count_signed(), 2);
}

INSTANTIATE_TEST_SUITE_P(Layouts, SignOnInstall,
                         testing::Values(Layout{"Records", false}, Layout{"Debian", true}),
                         testing::PrintToStringParamName());

}  // namespace
}  // namespace assay
