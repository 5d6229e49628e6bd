// Databases made by sbsiglist, laid out as efivarfs and shim have them.

#include "trust/boot_material.h"

#include <gtest/gtest.h>

#include "signatures/test_keys.h"
#include "testing/process.h"
#include "testing/temporary_folder.h"
#include "trust/shim.h"

namespace assay {
namespace {

using namespace test;

constexpr const char* kOwner = "11111111-2222-3333-4444-123456789abc";
constexpr const char* kDatabaseGuid = "d719b2cb-3d3a-4596-a3bc-dad00e67656f";
constexpr const char* kGlobalGuid = "8be4df61-93ca-11d2-aa0d-00e098032b8c";
constexpr const char* kShimGuid = "605dab50-e046-4300-abb6-3dd810dd8b23";

class BootMaterialTest : public testing::Test {
 protected:
  Bytes siglist(const std::string& type, const Bytes& data) {
    write_file(folder_ / "tool/in", data);
    const Finished made = run_command({"sbsiglist", "--owner", kOwner, "--type", type, "--output",
                                       folder_ / "tool/out", folder_ / "tool/in"});
    EXPECT_EQ(made.status, 0) << made.error;
    return read_file(folder_ / "tool/out");
  }
  Bytes certificates(const std::string& name) {
    return siglist("x509", rsa_certificate("issuer", name).write());
  }
  Bytes hashes(std::uint8_t byte) { return siglist("sha256", Bytes(32, byte)); }
  void variable(const std::string& name, const char* guid, const Bytes& data) {
    write_file(folder_ / ("efivars/" + name + "-" + guid), der::join({{7, 0, 0, 0}, data}));
  }
  static std::vector<std::string> names(const BootMaterial& material) {
    std::vector<std::string> found;
    for (const auto& one : material.certificates)
      found.push_back(std::string(database_name(one.database)) + " " +
                      short_name(one.certificate->x509().subject));
    return found;
  }
  TemporaryFolder folder_;
};

using Names = std::vector<std::string>;

TEST_F(BootMaterialTest, EfivarfsFolder) {
  variable("db", kDatabaseGuid, der::join({certificates("db a"), hashes(1)}));
  variable("dbx", kDatabaseGuid, der::join({certificates("dbx a"), hashes(2)}));
  variable("KEK", kGlobalGuid, certificates("kek"));
  variable("PK", kGlobalGuid, certificates("pk"));
  variable("MokListRT", kShimGuid, certificates("mok"));
  variable("MokListXRT", kShimGuid, hashes(3));
  variable("MokListTrustedRT", kShimGuid, {1});
  variable("SbatLevelRT", kShimGuid, der::bytes("sbat,1,2024010900\nshim,4\n"));
  variable("BootOrder", kGlobalGuid, {1, 2});
  write_file(folder_ / "efivars/README", der::bytes("not a variable"));
  const auto material = load_boot_material(folder_ / "efivars", [](const Error&) {});
  ASSERT_TRUE(material) << describe(material.error());
  EXPECT_EQ(names(*material), (Names{"KEK kek", "MokListRT mok", "PK pk", "db db a", "dbx dbx a"}));
  ASSERT_EQ(material->hashes.size(), 3U);
  EXPECT_EQ(material->hashes[0].database, BootDatabase::mokx);
  EXPECT_EQ(material->hashes[1].database, BootDatabase::db);
  EXPECT_EQ(material->hashes[2].database, BootDatabase::dbx);
  EXPECT_EQ(material->hashes[2].digest, Bytes(32, 2));
  EXPECT_TRUE(material->has_mok_list_trusted);
  ASSERT_TRUE(material->sbat_level);
  EXPECT_EQ((*material->sbat_level)[1].component, "shim");
  // The kernel reads bin: from both deny lists, nothing from db.
  EXPECT_EQ(kernel_blocklist(*material),
            (Names{"bin:" + to_hex(Bytes(32, 3)), "bin:" + to_hex(Bytes(32, 2))}));
}

TEST_F(BootMaterialTest, FilesByTheirNames) {
  struct Case {
    const char* name;
    BootDatabase database;
  };
  const Case cases[] = {{"db.esl", BootDatabase::db},
                        {"anything", BootDatabase::db},
                        {"x64_DBXUpdate.bin", BootDatabase::dbx},
                        {"revocations.esl", BootDatabase::dbx},
                        {"DBX.esl", BootDatabase::dbx},
                        {"dbxupdate.bin", BootDatabase::dbx},
                        {"MokListRT.esl", BootDatabase::mok},
                        {"MokListXRT", BootDatabase::mokx},
                        {"KEK.esl", BootDatabase::kek},
                        {"PK.esl", BootDatabase::pk}};
  for (const Case& one : cases) {
    write_file(folder_ / one.name, certificates("a"));
    const auto material = load_boot_material(folder_ / one.name, [](const Error&) {});
    ASSERT_TRUE(material) << one.name;
    ASSERT_EQ(material->certificates.size(), 1U) << one.name;
    EXPECT_EQ(material->certificates[0].database, one.database) << one.name;
  }
}

TEST_F(BootMaterialTest, CertificatesOfAUser) {
  write_file(folder_ / "a.der", rsa_certificate("issuer", "a").write());
  const auto material = load_boot_material(folder_ / "a.der", [](const Error&) {});
  ASSERT_TRUE(material);
  EXPECT_EQ(names(*material), (Names{"option a"}));
  for (const char* name : {"KEK.der", "PK-2.der"}) {
    write_file(folder_ / name, rsa_certificate("issuer", "a").write());
    const auto owner = load_boot_material(folder_ / name, [](const Error&) {});
    ASSERT_TRUE(owner);
    EXPECT_FALSE(vouches_for_code(owner->certificates.at(0).database)) << name;
  }
  // A name that says so denies.
  for (const char* name : {"dbx.der", "dbx-7.crt", "MokListX.der", "my-dbx.der"}) {
    write_file(folder_ / name, rsa_certificate("issuer", "a").write());
    const auto denied = load_boot_material(folder_ / name, [](const Error&) {});
    ASSERT_TRUE(denied);
    ASSERT_EQ(denied->certificates.size(), 1U);
    EXPECT_TRUE(is_deny_list(denied->certificates[0].database)) << name;
  }
}

// A list of digests may allow or deny: where nobody says which, it is not guessed.
TEST_F(BootMaterialTest, ListsOfUnknownNames) {
  int warnings = 0;
  const auto load = [&](const std::string& path) {
    return load_boot_material(path, [&](const Error& warning) {
      EXPECT_EQ(warning.reason, Reason::assumed_database);
      ++warnings;
    });
  };
  write_file(folder_ / "keys.esl", certificates("a"));
  EXPECT_TRUE(load(folder_ / "keys.esl"));
  EXPECT_EQ(warnings, 1);
  write_file(folder_ / "lists/x.esl", hashes(1));
  const auto unnamed = load(folder_ / "lists/x.esl");
  ASSERT_FALSE(unnamed);
  EXPECT_EQ(unnamed.error().reason, Reason::unnamed_database);
  EXPECT_FALSE(load(folder_ / "lists"));
  for (const auto& [name, database] : {std::pair{"dbx:", BootDatabase::dbx},
                                       {"DB:", BootDatabase::db},
                                       {"MokListXRT:", BootDatabase::mokx}}) {
    const auto said = load(name + (folder_ / "lists/x.esl"));
    ASSERT_TRUE(said) << name;
    EXPECT_EQ(said->hashes.at(0).database, database);
  }
  EXPECT_FALSE(load("dby:" + (folder_ / "lists/x.esl")));
  EXPECT_EQ(warnings, 1);
  // It may be said of certificates, too.
  write_file(folder_ / "a.der", rsa_certificate("issuer", "a").write());
  EXPECT_EQ(load("dbx:" + (folder_ / "a.der"))->certificates.at(0).database, BootDatabase::dbx);
}

TEST_F(BootMaterialTest, VariablesOfOtherVendors) {
  variable("db", kDatabaseGuid, certificates("db a"));
  variable("db", kShimGuid, certificates("foreign"));
  variable("dbx", kGlobalGuid, Bytes{1});
  variable("MokListRT", kDatabaseGuid, certificates("foreign"));
  variable("SbatLevelRT", kGlobalGuid, der::bytes("sbat,1,1\n"));
  const auto material = load_boot_material(folder_ / "efivars", [](const Error&) {});
  ASSERT_TRUE(material) << describe(material.error());
  EXPECT_EQ(names(*material), (Names{"db db a"}));
  EXPECT_FALSE(material->sbat_level);
  EXPECT_FALSE(
      load_boot_material(folder_ / (std::string("efivars/db-") + kShimGuid), [](const Error&) {}));
}

// What a folder of variables has beside them counts where its name says so; capitals count, too.
TEST_F(BootMaterialTest, NothingThatDeniesIsPassedOver) {
  const auto load = [&](const std::string& path) {
    return load_boot_material(path, [](const Error&) {});
  };
  variable("db", kDatabaseGuid, certificates("a"));
  write_file(folder_ / "efivars/dbx.esl", hashes(1));
  EXPECT_EQ(load(folder_ / "efivars")->hashes.size(), 1U);
  variable("dbDefault", kGlobalGuid, certificates("b"));
  EXPECT_EQ(load(folder_ / "efivars")->certificates.size(), 1U);
  write_file(folder_ / (std::string("efivars/dbx-") + kDatabaseGuid + ".bak"),
             Bytes{7, 0, 0, 0, 1});
  EXPECT_FALSE(load(folder_ / "efivars"));
  variable("DBX", kDatabaseGuid, hashes(2));
  const std::string capitals = folder_ / (std::string("efivars/DBX-") + kDatabaseGuid);
  EXPECT_FALSE(load(capitals));
  EXPECT_EQ(load("dbx:" + capitals)->hashes.at(0).digest, Bytes(32, 2));
}

// load_uefi_certs: what the kernel passes over.
TEST_F(BootMaterialTest, MokIgnoreDbAndSecureBoot) {
  variable("db", kDatabaseGuid, certificates("a"));
  variable("MokListXRT", kShimGuid, hashes(3));
  int warnings = 0;
  const auto load = [&] {
    return *load_boot_material(folder_ / "efivars", [&](const Error& warning) {
      EXPECT_EQ(warning.reason, Reason::secure_boot_off);
      ++warnings;
    });
  };
  EXPECT_TRUE(is_read_by_kernel(BootDatabase::db, load()));
  EXPECT_EQ(kernel_blocklist(load()).size(), 1U);
  variable("MokIgnoreDB", kShimGuid, {1});
  EXPECT_TRUE(load().ignores_db);
  EXPECT_FALSE(is_read_by_kernel(BootDatabase::db, load()));
  variable("SecureBoot", kGlobalGuid, {1});
  EXPECT_EQ(load().secure_boot, true);
  EXPECT_EQ(warnings, 0);
  variable("SecureBoot", kGlobalGuid, {0});
  EXPECT_EQ(load().secure_boot, false);
  EXPECT_EQ(warnings, 1);
  EXPECT_FALSE(is_read_by_kernel(BootDatabase::mok, load()));
  EXPECT_TRUE(kernel_blocklist(load()).empty());
}

TEST_F(BootMaterialTest, WhatShimAsksOfEntries) {
  Bytes padded = rsa_certificate("issuer", "a").write();
  padded.push_back(0);
  write_file(folder_ / "db.esl", der::join({certificates("a"), siglist("x509", padded)}));
  const auto material = load_boot_material(folder_ / "db.esl", [](const Error&) {});
  ASSERT_EQ(material->certificates.size(), 2U);
  for (const auto& one : material->certificates) {
    EXPECT_TRUE(one.is_in_list);
    EXPECT_TRUE(one.is_first);
  }
  EXPECT_TRUE(material->certificates[0].is_framed);
  EXPECT_FALSE(material->certificates[1].is_framed);
}

TEST_F(BootMaterialTest, DamageIsKeptBesideWhatIsGood) {
  write_file(folder_ / "db.esl", der::join({certificates("a"), Bytes(30)}));
  const auto material = load_boot_material(folder_ / "db.esl", [](const Error&) {});
  ASSERT_TRUE(material);
  EXPECT_EQ(material->certificates.size(), 1U);
  ASSERT_EQ(material->stops.size(), 1U);
  EXPECT_TRUE(material->stops[0].path.ends_with("db.esl"));
}

// What a deny list would have denied behind the damage is not known.
TEST_F(BootMaterialTest, DamagedDenyListIsAnError) {
  const auto load = [&] { return load_boot_material(folder_ / "keys", [](const Error&) {}); };
  write_file(folder_ / "keys/db.esl", certificates("a"));
  write_file(folder_ / "keys/README", der::bytes("not a database"));
  EXPECT_TRUE(load());
  write_file(folder_ / "keys/dbx.esl", der::join({hashes(1), Bytes(30)}));
  EXPECT_FALSE(load());
  EXPECT_FALSE(load_boot_material(folder_ / "keys/dbx.esl", [](const Error&) {}));
  write_file(folder_ / "keys/dbx.esl", der::bytes("damaged at its start"));
  EXPECT_FALSE(load());
}

TEST_F(BootMaterialTest, UnreadableVariableIsAnError) {
  variable("db", kDatabaseGuid, certificates("a"));
  EXPECT_TRUE(load_boot_material(folder_ / "efivars", [](const Error&) {}));
  write_file(folder_ / "efivars/dbx-d719b2cb-3d3a-4596-a3bc-dad00e67656f", Bytes{7, 0, 0});
  EXPECT_FALSE(load_boot_material(folder_ / "efivars", [](const Error&) {}));
}

TEST_F(BootMaterialTest, UnusedTypesAreCounted) {
  Bytes list = hashes(1);
  list[0] ^= 1;
  write_file(folder_ / "db.esl", der::join({certificates("a"), list}));
  const auto material = load_boot_material(folder_ / "db.esl", [](const Error&) {});
  ASSERT_TRUE(material);
  ASSERT_EQ(material->unused.size(), 1U);
  EXPECT_EQ(material->unused[0].type, "c1c41627-504c-4092-aca9-41f936934328");
  EXPECT_EQ(material->unused[0].signatures, 1U);
}

TEST_F(BootMaterialTest, WhatVouchesForNothing) {
  write_file(folder_ / "text", der::bytes("hello"));
  EXPECT_FALSE(load_boot_material(folder_ / "text", [](const Error&) {}));
  write_file(folder_ / "db-d719b2cb-3d3a-4596-a3bc-dad00e67656f", Bytes{7, 0, 0});
  EXPECT_FALSE(
      load_boot_material(folder_ / "db-d719b2cb-3d3a-4596-a3bc-dad00e67656f", [](const Error&) {}));
  EXPECT_FALSE(load_boot_material("tests/cases/pe/artifacts/signed.efi", [](const Error&) {}));
  EXPECT_FALSE(load_boot_material(folder_ / "missing", [](const Error&) {}));
}

// An entry of type x509_sha256 has 32 bytes of digest and 16 of time; the kernel describes it by
// all of them.
TEST_F(BootMaterialTest, RevokedCertificatesByDigest) {
  const auto le = [](std::uint32_t value) {
    return Bytes{static_cast<std::uint8_t>(value), static_cast<std::uint8_t>(value >> 8), 0, 0};
  };
  const Bytes type = der::from_hex("92a4d23bc0967940b420fcf98ef103ed");
  const Bytes list =
      der::join({type, le(28 + 64), le(0), le(64), Bytes(16), Bytes(32, 5), Bytes(16, 9)});
  write_file(folder_ / "dbx.esl", list);
  const auto material = load_boot_material(folder_ / "dbx.esl", [](const Error&) {});
  ASSERT_TRUE(material);
  ASSERT_EQ(material->hashes.size(), 1U);
  EXPECT_EQ(material->hashes[0].type, EfiSignatureType::x509_sha256);
  EXPECT_EQ(material->hashes[0].digest, Bytes(32, 5));
  EXPECT_EQ(material->hashes[0].revocation_time, Bytes(16, 9));
  EXPECT_EQ(kernel_blocklist(*material),
            (Names{"tbs:" + to_hex(Bytes(32, 5)) + to_hex(Bytes(16, 9))}));
}

// Binutils, which shim is built with, make the image: its long section name stands in the string
// table.
TEST_F(BootMaterialTest, ShimSection) {
  const Bytes certificate = rsa_certificate("issuer", "vendor").write();
  const auto le = [](std::size_t value) {
    return Bytes{static_cast<std::uint8_t>(value), static_cast<std::uint8_t>(value >> 8), 0, 0};
  };
  const Bytes dbx = hashes(4);
  const auto image = [&](std::size_t size, std::size_t dbx_size) {
    write_file(folder_ / "table", der::join({le(size), le(dbx_size), le(16),
                                             le(16 + certificate.size()), certificate, dbx}));
    write_file(folder_ / "a.s", der::bytes(".globl _start\n_start:\n.section .vendor_cert,\"a\"\n"
                                           ".incbin \"" +
                                           (folder_ / "table") + "\"\n"));
    const std::string prefix = "x86_64-linux-gnu-";
    EXPECT_EQ(run_command({prefix + "as", "-o", folder_ / "a.o", folder_ / "a.s"}).status, 0);
    const Finished linked =
        run_command({prefix + "ld", "-m", "i386pep", "--oformat", "pei-x86-64",
                     "--enable-long-section-names", "-o", folder_ / "a.efi", folder_ / "a.o"});
    EXPECT_EQ(linked.status, 0) << linked.error;
    return load_boot_material(folder_ / "a.efi", [](const Error&) {});
  };
  const auto good = image(certificate.size(), dbx.size());
  ASSERT_TRUE(good) << describe(good.error());
  EXPECT_EQ(names(*good), (Names{"shim vendor"}));
  ASSERT_EQ(good->hashes.size(), 1U);
  EXPECT_EQ(good->hashes[0].database, BootDatabase::vendor_dbx);
  EXPECT_TRUE(kernel_blocklist(*good).empty());
  EXPECT_FALSE(image(60000, dbx.size()));
}

}  // namespace
}  // namespace assay
