#include "trust/kernel_config.h"

#include <gtest/gtest.h>

namespace assay {
namespace {

TEST(KernelConfig, Parses) {
  const auto config = KernelConfig::parse(
      "#\n# Automatically generated file; DO NOT EDIT.\n#\n"
      "CONFIG_MODULE_SIG=y\nCONFIG_CRYPTO_SM3=m\n# CONFIG_MODULE_SIG_FORCE is not set\n"
      "CONFIG_MODULE_SIG_HASH=\"sha256\"\nCONFIG_EMPTY=\"\"\nCONFIG_HZ=250\r\nCONFIG_OFF=n\n\n"
      "CONFIG_EQUALS=\"a=b\"\nCONFIG_LAST=y");
  ASSERT_TRUE(config);
  EXPECT_TRUE(config->is_known());
  struct Case {
    std::string_view name;
    std::optional<std::string_view> value;
    Truth on;
    Truth built_in;
  };
  const Case cases[] = {
      {"CONFIG_MODULE_SIG", "y", Truth::yes, Truth::yes},
      {"CONFIG_CRYPTO_SM3", "m", Truth::yes, Truth::no},
      {"CONFIG_MODULE_SIG_FORCE", std::nullopt, Truth::no, Truth::no},
      {"CONFIG_MODULE_SIG_HASH", "sha256", Truth::no, Truth::no},
      {"CONFIG_EMPTY", "", Truth::no, Truth::no},
      {"CONFIG_HZ", "250", Truth::no, Truth::no},
      {"CONFIG_OFF", std::nullopt, Truth::no, Truth::no},
      {"CONFIG_EQUALS", "a=b", Truth::no, Truth::no},
      {"CONFIG_LAST", "y", Truth::yes, Truth::yes},
      {"CONFIG_NEVER_MENTIONED", std::nullopt, Truth::no, Truth::no},
      {"MODULE_SIG", std::nullopt, Truth::no, Truth::no},
  };
  for (const Case& one : cases) {
    EXPECT_EQ(config->find(one.name), one.value) << one.name;
    EXPECT_EQ(config->is_on(one.name), one.on) << one.name;
    EXPECT_EQ(config->is_built_in(one.name), one.built_in) << one.name;
  }
}

TEST(KernelConfig, TheLastOfSeveralCounts) {
  const auto config = KernelConfig::parse("CONFIG_A=y\nCONFIG_A=m\n");
  EXPECT_EQ(config->find("CONFIG_A"), "m");
}

TEST(KernelConfig, RefusesWhatIsNone) {
  struct Case {
    std::string_view text;
    std::uint64_t offset;
  };
  const Case cases[] = {{"\x7f"
                         "ELF",
                         0},
                        {"MODULE_SIG=y\n", 0},
                        {"CONFIG_A=y\nCONFIG_B\n", 11},
                        {"CONFIG_A=y\n <html>\n", 11}};
  for (const Case& one : cases) {
    const auto config = KernelConfig::parse(one.text);
    ASSERT_FALSE(config) << one.text;
    EXPECT_EQ(config.error().reason, Reason::bad_value);
    EXPECT_EQ(config.error().where.offset, one.offset);
  }
  EXPECT_TRUE(KernelConfig::parse(""));
}

TEST(KernelConfig, WhatIsNotKnownIsNotOff) {
  KernelConfig config;
  EXPECT_FALSE(config.is_known());
  EXPECT_EQ(config.is_on("CONFIG_A"), Truth::unknown);
  EXPECT_EQ(config.is_built_in("CONFIG_A"), Truth::unknown);
  config.set("CONFIG_A", "y");
  EXPECT_EQ(config.is_on("CONFIG_A"), Truth::yes);
  EXPECT_EQ(config.is_on("CONFIG_B"), Truth::no);
  config.set("CONFIG_A", "n");
  EXPECT_EQ(config.find("CONFIG_A"), std::nullopt);
}

}  // namespace
}  // namespace assay
