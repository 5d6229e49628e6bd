// Signatures beside those of other tools: scripts/sign-file of the kernel, openssl cms, sbsign,
// osslsigncode, sbverify.

#include "edit/sign.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "bytes/content.h"
#include "crypto/private_key.h"
#include "edit/attach.h"
#include "edit/excise.h"
#include "edit/reuse.h"
#include "edit/test_artifacts.h"
#include "formats/appended_signature.h"
#include "formats/cms.h"
#include "testing/process.h"
#include "testing/temporary_folder.h"

namespace assay {
namespace {

using namespace test;
using Bytes = std::vector<std::uint8_t>;

const std::string kPe = "tests/cases/pe/artifacts/";
constexpr std::int64_t kTime = 1782864000;

// Debian's package linux-kbuild-6.1 has the program of the kernel's build.
std::string sign_file() {
  for (const auto& entry : std::filesystem::directory_iterator("/usr/lib"))
    if (entry.path().filename().native().starts_with("linux-kbuild-"))
      return (entry.path() / "scripts/sign-file").native();
  return "sign-file (linux-kbuild is not installed)";
}

class Sign : public testing::Test {
 protected:
  Bytes run(const std::vector<std::string>& command, const Bytes& input = {}) {
    const Finished done = run_command(command, input);
    EXPECT_EQ(done.status, 0) << command[0] << " " << command[1] << ": " << done.error;
    return done.out;
  }

  // A key, its certificate, and them in our hands.
  void make_key(const std::vector<std::string>& options = {"-algorithm", "RSA", "-pkeyopt",
                                                           "rsa_keygen_bits:2048"}) {
    std::vector<std::string> genpkey{"openssl", "genpkey", "-out", key()};
    genpkey.insert(genpkey.end(), options.begin(), options.end());
    run(genpkey);
    run({"openssl", "req", "-new", "-x509", "-key", key(), "-subj", "/O=test/CN=signer", "-days",
         "3650", "-out", certificate()});
    run({"openssl", "x509", "-in", certificate(), "-outform", "DER", "-out", folder_ / "cert.der"});
    const Bytes file = read_file(key());
    auto loaded = parse_private_key(View(file), {});
    ASSERT_TRUE(loaded) << describe(loaded.error());
    signer_ = std::move(loaded->signer);
    certificate_.der = read_file(folder_ / "cert.der");
    EXPECT_TRUE(check_same_key(certificate_, signer_->key()));
  }
  std::string key() { return folder_ / "key.pem"; }
  std::string certificate() { return folder_ / "cert.pem"; }

  Bytes signed_by_us(const std::string& name, const Bytes& file, const SignOptions& options = {}) {
    const auto edited = sign_artifact(artifact_of(name, file), *signer_, certificate_, options);
    EXPECT_TRUE(edited) << describe(edited.error());
    return edited ? all_of(*edited->stored) : Bytes();
  }
  std::optional<Reason> refusal(const std::string& name, const Bytes& file,
                                const SignOptions& options = {}) {
    const auto edited = sign_artifact(artifact_of(name, file), *signer_, certificate_, options);
    return edited ? std::nullopt : std::optional(edited.error().reason);
  }

  TemporaryFolder folder_;
  std::unique_ptr<Signer> signer_;
  SigningCertificate certificate_;
};

const Bytes kModule = [] {
  Bytes bytes(100'000);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i * i >> 7);
  return bytes;
}();

TEST_F(Sign, ModulesAreSignedAsSignFileSignsThem) {
  for (const char* bits : {"2048", "4096"}) {
    make_key({"-algorithm", "RSA", "-pkeyopt", std::string("rsa_keygen_bits:") + bits});
    for (const char* hash :
         {"sha1", "sha224", "sha256", "sha384", "sha512", "sha3-256", "sha3-512", "md5"}) {
      for (const bool by_key : {false, true}) {
        SCOPED_TRACE(std::string(bits) + " " + hash + (by_key ? " -k" : ""));
        write_file(folder_ / "m.ko", kModule);
        std::vector<std::string> command{sign_file()};
        if (by_key) command.emplace_back("-k");
        command.insert(command.end(), {hash, key(), certificate(), folder_ / "m.ko"});
        run(command);
        EXPECT_EQ(
            signed_by_us("m.ko", kModule, {.hash = *find_hash(hash), .by_key_identifier = by_key}),
            read_file(folder_ / "m.ko"));
      }
    }
  }
}

// Where signed attributes, or certificates, are asked for: what openssl writes at the same second.
TEST_F(Sign, OtherFormsAreThoseOfOpensslCms) {
  make_key();
  write_file(folder_ / "m", kModule);
  struct Form {
    std::vector<std::string> options;
    bool certificate;
    bool attributes;
    bool by_key;
  };
  const Form forms[] = {{{"-noattr"}, true, false, false},
                        {{"-nocerts", "-nosmimecap"}, false, true, false},
                        {{"-nosmimecap", "-keyid"}, true, true, true}};
  for (const Form& form : forms) {
    SCOPED_TRACE(form.options.front());
    std::vector<std::string> command{"openssl",     "cms",     "-sign",       "-binary", "-in",
                                     folder_ / "m", "-signer", certificate(), "-inkey",  key(),
                                     "-md",         "sha256",  "-outform",    "DER"};
    command.insert(command.end(), form.options.begin(), form.options.end());
    const Bytes theirs = run(command);
    SignOptions options{.by_key_identifier = form.by_key,
                        .embeds_certificates = form.certificate,
                        .signed_attributes = form.attributes};
    if (form.attributes) {
      const CmsMessage message = parse_cms(View(theirs));
      ASSERT_TRUE(message.signers.front().signing_time);
      options.time = parse_time(*message.signers.front().signing_time);
    }
    Bytes expected = kModule;
    const RecordPart part = describe_appended_signature(MemoryContent(kModule), View(theirs));
    const Bytes& tail = part.splices.front().after;
    expected.insert(expected.end(), tail.begin(), tail.end());
    EXPECT_EQ(signed_by_us("m", kModule, options), expected);
  }
}

TEST_F(Sign, OpensslVerifiesWhatIsNotDeterministic) {
  for (const auto& options : std::vector<std::vector<std::string>>{
           {"-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"},
           {"-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"}}) {
    make_key(options);
    for (const Hash hash : {Hash::sha256, Hash::sha384}) {
      const Bytes file = signed_by_us("m.ko", kModule, {.hash = hash});
      const auto trailer = read_signature_trailer(ViewContent(View(file)));
      const Extent where = trailer->signature_extent();
      write_file(folder_ / "m", kModule);
      write_file(folder_ / "sig", std::span(file).subspan(where.offset, where.size));
      run({"openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", folder_ / "sig",
           "-content", folder_ / "m", "-certfile", certificate(), "-CAfile", certificate(),
           "-purpose", "any", "-out", "/dev/null"});
    }
  }
}

// Law: excise(sign(x)) == x by sign's own record, whatever stood there; and attach(that) is the
// signed file again.
TEST_F(Sign, TheRecordLeadsBackAndForth) {
  make_key();
  const Bytes signed_image = read_file(kPe + "signed.efi");
  const Bytes bare_image = read_file(kPe + "unsigned.efi");
  Bytes odd_image = bare_image;
  odd_image.insert(odd_image.end(), {'a', 'b', 'c'});
  const Bytes once = signed_by_us("m.ko", kModule);
  const Bytes xz = run({"xz", "--check=crc32", "--lzma2=dict=1MiB", "-c"}, kModule);
  const Bytes xz_default = run({"xz", "-c"}, kModule);
  const Bytes gz = run({"gzip", "-n", "-c"}, kModule);
  const Bytes zst = run({"zstd", "-q", "-c"}, kModule);
  struct Case {
    const char* name;
    const Bytes& file;
    Existing existing;
  };
  const Case cases[] = {
      {"m.ko", kModule, Existing::refuse},       {"m.ko", once, Existing::add},
      {"m.ko", once, Existing::replace},         {"m.ko.xz", xz, Existing::refuse},
      {"m.ko.xz", xz_default, Existing::refuse}, {"m.ko.gz", gz, Existing::refuse},
      {"m.ko.zst", zst, Existing::refuse},       {"i.efi", bare_image, Existing::refuse},
      {"i.efi", odd_image, Existing::refuse},    {"i.efi", signed_image, Existing::add},
      {"i.efi", signed_image, Existing::replace}};
  for (const Case& one : cases) {
    SCOPED_TRACE(std::string(one.name) + " " + std::to_string(static_cast<int>(one.existing)));
    const auto edited = sign_artifact(artifact_of(one.name, one.file), *signer_, certificate_,
                                      {.existing = one.existing, .time = kTime});
    ASSERT_TRUE(edited) << describe(edited.error());
    const Artifact made = artifact_of(one.name, all_of(*edited->stored));
    const auto record = parse_record(write_record(edited->record));
    ASSERT_TRUE(record);
    const auto back = restore_before(made, *record);
    ASSERT_TRUE(back) << describe(back.error());
    EXPECT_EQ(all_of(*back->stored), one.file);
    const auto again = attach_record(artifact_of(one.name, one.file), *record);
    ASSERT_TRUE(again) << describe(again.error());
    EXPECT_EQ(all_of(*again->stored), all_of(*made.stored));
  }
}

TEST_F(Sign, ReplacingLeavesWhatSigningTheBareFileMakes) {
  make_key();
  const SignOptions replace{.existing = Existing::replace, .time = kTime};
  const SignOptions plain{.time = kTime};
  const Bytes once = signed_by_us("m.ko", kModule);
  EXPECT_EQ(signed_by_us("m.ko", once, replace), once);
  const Bytes twice = signed_by_us("m.ko", once, {.existing = Existing::add});
  EXPECT_EQ(signed_by_us("m.ko", twice, replace), once);
  EXPECT_EQ(signed_by_us("i.efi", read_file(kPe + "signed.efi"), replace),
            signed_by_us("i.efi", read_file(kPe + "unsigned.efi"), plain));
}

TEST_F(Sign, WhatIsSignedIsRefused) {
  make_key();
  const Bytes once = signed_by_us("m.ko", kModule);
  EXPECT_EQ(refusal("m.ko", once), Reason::already_signed);
  EXPECT_EQ(refusal("m.ko", kModule), std::nullopt);
  EXPECT_EQ(refusal("i.efi", read_file(kPe + "signed.efi")), Reason::already_signed);
  EXPECT_EQ(refusal("i.efi", read_file(kPe + "unsigned.efi")), std::nullopt);
}

// sbverify accepts our signatures, and osslsigncode those that it accepts of sbsign (2.5, which
// Debian 12 has, accepts none, 2.9 does); excised, the image is what it was.
TEST_F(Sign, ImagesAreAcceptedByOtherVerifiers) {
  make_key();
  const Bytes bare = read_file(kPe + "unsigned.efi");
  const auto osslsigncode_says = [&](const std::string& path) {
    return run_command({"osslsigncode", "verify", "-CAfile", certificate(), "-in", path}).status;
  };
  run({"sbsign", "--key", key(), "--cert", certificate(), "--output", folder_ / "by-sbsign",
       kPe + "unsigned.efi"});
  const int verdict = osslsigncode_says(folder_ / "by-sbsign");
  for (const Hash hash : {Hash::sha256, Hash::sha384, Hash::sha512}) {
    const Bytes image = signed_by_us("i.efi", bare, {.hash = hash, .time = kTime});
    EXPECT_EQ(signed_by_us("i.efi", bare, {.hash = hash, .time = kTime}), image);
    write_file(folder_ / "image", image);
    if (hash == Hash::sha256)  // the only one that sbverify knows
      run({"sbverify", "--cert", certificate(), folder_ / "image"});
    EXPECT_EQ(osslsigncode_says(folder_ / "image"), verdict);
    const auto edited = excise(artifact_of("i.efi", image));
    ASSERT_TRUE(edited && *edited);
    EXPECT_EQ(all_of(*(*edited)->stored), bare);
  }
  // Beside one that is there.
  const Bytes both =
      signed_by_us("i.efi", read_file(kPe + "signed.efi"), {.existing = Existing::add});
  write_file(folder_ / "both", both);
  run({"sbverify", "--cert", certificate(), folder_ / "both"});
}

// The table, the checksum and the padding are those of sbsign; the message has other attributes.
TEST_F(Sign, ImagesAreLaidOutAsSbsignLaysThemOut) {
  make_key();
  Bytes odd = read_file(kPe + "unsigned.efi");
  odd.insert(odd.end(), {'a', 'b', 'c'});
  for (const Bytes& image : {read_file(kPe + "unsigned.efi"), odd}) {
    const Bytes ours = signed_by_us("i.efi", image, {.time = kTime});
    write_file(folder_ / "ours", ours);
    write_file(folder_ / "bare", image);
    run({"sbattach", "--detach", folder_ / "sig", folder_ / "ours"});
    run({"sbattach", "--attach", folder_ / "sig", folder_ / "bare"});
    EXPECT_EQ(read_file(folder_ / "bare"), ours);
  }
}

TEST_F(Sign, CompressedModulesAreReadByTheToolsAndAcceptable) {
  make_key();
  const Bytes expected = signed_by_us("m.ko", kModule);
  EXPECT_EQ(run({"xz", "-dc"}, signed_by_us("m.ko.xz", run({"xz", "-c"}, kModule))), expected);
  EXPECT_EQ(run({"gzip", "-dc"}, signed_by_us("m.ko.gz", run({"gzip", "-c"}, kModule))), expected);
  EXPECT_EQ(run({"zstd", "-dqc"}, signed_by_us("m.ko.zst", run({"zstd", "-qc"}, kModule))),
            expected);
  // CRC64, which kernels do not read, becomes what the kernel's build writes.
  EXPECT_EQ(signed_by_us("m.ko.xz", run({"xz", "-c"}, kModule)),
            run({"xz", "--check=crc32", "--lzma2=dict=1MiB", "-c"}, expected));
}

TEST_F(Sign, AnotherKeysCertificateIsRefused) {
  make_key();
  const SigningCertificate first = certificate_;
  make_key();
  EXPECT_EQ(check_same_key(first, signer_->key()).error().reason, Reason::key_mismatch);
  EXPECT_EQ(check_same_key({{1, 2, 3}, {}}, signer_->key()).error().reason,
            Reason::not_a_certificate);
}

// Ed25519 and its like sign the message itself; kernels do not know it, CMS does (RFC 8419).
TEST_F(Sign, KeysThatHashForThemselvesGetTheContent) {
  make_key({"-algorithm", "ED25519"});
  const Bytes file = signed_by_us("m", kModule, {.hash = Hash::sha512});
  const auto trailer = read_signature_trailer(ViewContent(View(file)));
  const Extent where = trailer->signature_extent();
  const CmsMessage message = parse_cms(View(file).sub(where.offset, where.size));
  ASSERT_EQ(message.signers.size(), 1U);
  write_file(folder_ / "m", kModule);
  write_file(folder_ / "value", message.signers.front().signature.bytes());
  run({"openssl", "pkeyutl", "-verify", "-inkey", key(), "-rawin", "-in", folder_ / "m", "-sigfile",
       folder_ / "value"});
}

// A message without a digest is of any file that its value does not tell apart.
TEST_F(Sign, MessagesMadeElsewhereAreOfTheFile) {
  make_key();
  const SigningCertificate stranger = certificate_;
  for (const auto& kind : std::vector<std::vector<std::string>>{
           {"-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"},
           {"-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"}}) {
    make_key(kind);
    write_file(folder_ / "m", kModule);
    const auto message = [&](std::vector<std::string> options) {
      std::vector<std::string> command{"openssl",     "cms",     "-sign",       "-binary", "-in",
                                       folder_ / "m", "-signer", certificate(), "-inkey",  key(),
                                       "-md",         "sha256",  "-outform",    "DER"};
      command.insert(command.end(), options.begin(), options.end());
      return run(command);
    };
    const Artifact module = artifact_of("m.ko", kModule);
    Bytes changed = kModule;
    changed[500] ^= 1;
    const Artifact other = artifact_of("m.ko", changed);
    const auto reason = [](const Artifact& artifact, const Bytes& bytes,
                           const AttachOptions& options) {
      const auto attached = attach_signature(artifact, View(bytes), options);
      return attached ? std::nullopt : std::optional(attached.error().reason);
    };
    const AttachOptions nobody;
    const AttachOptions ours{.certificates = {stranger, certificate_}};
    const AttachOptions theirs{.certificates = {stranger}};
    const AttachOptions unverified{.unverified = true};

    const Bytes bare = message({"-noattr", "-nocerts"});
    EXPECT_EQ(reason(module, bare, nobody), Reason::not_signable);
    EXPECT_EQ(reason(module, bare, ours), std::nullopt);
    EXPECT_EQ(reason(module, bare, theirs), Reason::record_mismatch);
    EXPECT_EQ(reason(other, bare, ours), Reason::record_mismatch);
    EXPECT_TRUE(attach_signature(module, View(bare), ours)->is_bound);
    EXPECT_FALSE(attach_signature(other, View(bare), unverified)->is_bound);

    const Bytes with_certificate = message({"-noattr"});
    EXPECT_EQ(reason(module, with_certificate, nobody), std::nullopt);
    EXPECT_EQ(reason(other, with_certificate, nobody), Reason::record_mismatch);
    EXPECT_EQ(reason(other, with_certificate, unverified), Reason::record_mismatch);

    const Bytes with_digest = message({"-nocerts"});
    EXPECT_EQ(reason(module, with_digest, nobody), std::nullopt);
    EXPECT_EQ(reason(module, with_digest, ours), std::nullopt);
    EXPECT_EQ(reason(module, with_digest, theirs), Reason::record_mismatch);
    EXPECT_EQ(reason(other, with_digest, unverified), Reason::record_mismatch);

    // Content of its own, and bytes behind it.
    EXPECT_EQ(reason(module, message({"-noattr", "-nodetach"}), ours), Reason::bad_record);
    Bytes longer = bare;
    longer.push_back(0);
    EXPECT_EQ(reason(module, longer, ours), Reason::bad_record);

    const Artifact already = artifact_of("m.ko", signed_by_us("m.ko", kModule));
    EXPECT_EQ(reason(already, bare, ours), Reason::already_signed);
    AttachOptions replace = ours;
    replace.existing = Existing::replace;
    const auto replaced = attach_signature(already, View(bare), replace);
    ASSERT_TRUE(replaced) << describe(replaced.error());
    EXPECT_EQ(all_of(*replaced->edited.stored),
              all_of(*attach_signature(module, View(bare), ours)->edited.stored));
  }
}

TEST_F(Sign, SignaturesOfRecordsAreThoseAskedFor) {
  make_key({"-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"});
  const auto record_of = [this](const std::string& name, const Bytes& file, SignOptions options) {
    const auto edited =
        sign_artifact(artifact_of(name, file), *signer_, certificate_, std::move(options));
    EXPECT_TRUE(edited) << describe(edited.error());
    return edited->record;
  };
  const auto reuse = [this](const std::string& name, const Bytes& file, const EditRecord& record,
                            const SignOptions& options) {
    RecordSet set;
    set.add(record);
    return reuse_signature(artifact_of(name, file), set, certificate_, options);
  };
  const Bytes image = read_file(kPe + "unsigned.efi");
  for (const auto& [name, file] :
       {std::pair<std::string, Bytes>{"m.ko", kModule}, {"i.efi", image}}) {
    SCOPED_TRACE(name);
    const EditRecord record = record_of(name, file, {});
    const auto reused = reuse(name, file, record, {});
    ASSERT_TRUE(reused && *reused) << describe(reused.error());
    EXPECT_EQ((*reused)->record, record);
    EXPECT_EQ(*identify(*(*reused)->stored), record.after);
    const auto refused = [&](const SignOptions& options) {
      const auto other = reuse(name, file, record, options);
      return other ? std::nullopt : std::optional(other.error().reason);
    };
    EXPECT_EQ(refused({.hash = Hash::sha512}), Reason::record_mismatch);
    EXPECT_EQ(refused({.by_key_identifier = true}), Reason::record_mismatch);
    EXPECT_EQ(refused({.embeds_certificates = name == "m.ko"}), Reason::record_mismatch);
    if (name == "m.ko") {
      EXPECT_EQ(refused({.signed_attributes = true}), Reason::record_mismatch);
    }
    // A value that is none, under our name.
    EditRecord damaged = record;
    Bytes& tail = damaged.parts.front().splices.back().after;
    tail[tail.size() - 60] ^= 1;
    const auto lying = reuse(name, file, damaged, {});
    ASSERT_FALSE(lying);
    EXPECT_EQ(lying.error().reason, Reason::record_mismatch);
  }
  // Other bytes, and other signers, are no record of this.
  const EditRecord record = record_of("m.ko", kModule, {});
  EXPECT_EQ(*reuse("m.ko", {1, 2, 3}, record, {}), std::nullopt);
  make_key();
  EXPECT_EQ(*reuse("m.ko", kModule, record, {}), std::nullopt);
}

// A table whose entries cannot be told apart has no place for another that anybody would find.
TEST_F(Sign, BrokenTablesAreNotAddedTo) {
  make_key();
  Bytes image = read_file(kPe + "signed.efi");
  const auto headers = find_pe_image(MemoryContent(image));
  ASSERT_TRUE(headers && *headers);
  const std::uint32_t table = (*headers)->certificate_table->address;
  image[table + 2] = 0x7f;  // dwLength
  EXPECT_EQ(refusal("i.efi", image, {.existing = Existing::add}), Reason::not_signable);
  EXPECT_EQ(refusal("i.efi", image, {.existing = Existing::replace}), std::nullopt);
}

}  // namespace
}  // namespace assay
