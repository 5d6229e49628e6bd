#include "trees/module_tree.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "testing/der.h"
#include "trees/module_proof.h"
#include "trees/rfc6962_tree.h"

namespace assay {
namespace {

using Bytes = std::vector<std::uint8_t>;

// "module <i>\n", as the vectors have it.
Bytes module(std::size_t i) { return der::bytes("module " + std::to_string(i) + "\n"); }

std::vector<Bytes> modules(std::size_t count) {
  std::vector<Bytes> all;
  for (std::size_t i = 0; i < count; ++i) all.push_back(module(i));
  return all;
}

ModuleHash leaf_of(std::size_t position, const Bytes& bytes) {
  const ViewContent content{View(bytes)};
  return *module_leaf(static_cast<std::uint32_t>(position), content, bytes.size());
}

ModuleTree tree_of(const std::vector<Bytes>& contents) {
  std::vector<ModuleHash> leaves;
  for (std::size_t i = 0; i < contents.size(); ++i) leaves.push_back(leaf_of(i, contents[i]));
  return *ModuleTree::make(std::move(leaves));
}

Bytes sha256(const Bytes& bytes) {
  const Digest digest = *compute_digest(Hash::sha256, bytes);
  return {digest.bytes().begin(), digest.bytes().end()};
}

// The root as the definition has it, node by node: what stands at (level, index) of the tree over
// `contents`, of which one level above the leaves has `width` nodes.
Bytes reference_node(const std::vector<Bytes>& contents, unsigned level, std::size_t index) {
  if (level == 0) {
    Bytes text = {0x01, 0, 0, static_cast<std::uint8_t>(index >> 8),
                  static_cast<std::uint8_t>(index)};
    text.insert(text.end(), contents[index].begin(), contents[index].end());
    return sha256(text);
  }
  std::size_t below = contents.size();
  for (unsigned i = 1; i < level; ++i) below = (below + 1) / 2;
  const Bytes left = reference_node(contents, level - 1, 2 * index);
  const Bytes right =
      2 * index + 1 < below ? reference_node(contents, level - 1, 2 * index + 1) : left;
  return sha256(der::join({Bytes{0x02}, left, right}));
}

unsigned reference_levels(std::size_t count) {
  if (count < 2) return static_cast<unsigned>(count);
  unsigned levels = 0;
  for (; count > 1; count = (count + 1) / 2) ++levels;
  return levels;
}

struct Known {
  std::size_t count;
  unsigned levels;
  std::string_view root;
};

// Made by hand from the definition, leaf 0 with the openssl command.
constexpr Known kKnown[] = {
    {0, 0, "0000000000000000000000000000000000000000000000000000000000000000"},
    {1, 1, "7a5f4f253c58f36cebc2491f96479fa8752f7ac7b6e1a2352636630446210167"},
    {2, 1, "2b38210ee460e970b740cb14be6d66ddbb495135b54893f86feba172dabea18e"},
    {3, 2, "01cd17d08432bf3ebb988f523996e41f3d3b72f1741b3c086e5f8b92c12519ca"},
    {4, 2, "5fe44abd59929482710e153ebe871433a3db7b642aef079169989d62d5248186"},
    {5, 3, "17da356aab3b86ba51f9215babd09a4eb4b0e7815a3c6da67374d24dc56f40dd"},
    {8, 3, "5cc8dbd29bf644ddbfb741e0ace2587107d5e425e6ed866a412c7cf28f23c80b"},
    {9, 4, "c73a730e2e22b57242978143f90a05b8d9f221c5c5fbc1749154b01397078c26"},
};

TEST(ModuleTree, KnownRoots) {
  for (const Known& known : kKnown) {
    const ModuleTree tree = tree_of(modules(known.count));
    EXPECT_EQ(tree.levels(), known.levels) << known.count;
    EXPECT_EQ(tree.root().hex(), known.root) << known.count;
  }
}

TEST(ModuleTree, KnownLeaves) {
  constexpr std::string_view kLeaves[] = {
      "acf475507393f89fde035fccb18adfbd48d8ffdd31d94868b4ec81adce8e34bc",
      "086f28117038ae752fa60d56bd2ce3dbfbcc1c11740467584fd052124caeb5bc",
      "ecd7d4ca1a0be3e9a7c0f5c56bdf78e535c868fa30e7ee01bc2e9a78b6795874",
      "d5942b8444ad865830eabc79fbd61a022dbd0b970b8068db720c806985544f7d",
      "4f13f70aa74f6408f067481abb17405280c49e5328eac2a24f9d5c835bbeccc9",
      "7a0ddf5d6715fc7a1bfb6686fe63ab3c2634904d5083a89937dd335414b361d1",
      "6a34fd0380916dd1c3994ef9544a7cedbc0aa29c8067e1f5bb60af6f8c3597e4",
      "e65957d41ac22e640ad851b158611684b1bab3439f967443dafedf5a33b392ca"};
  for (std::size_t i = 0; i < std::size(kLeaves); ++i)
    EXPECT_EQ(leaf_of(i, module(i)).hex(), kLeaves[i]);
}

TEST(ModuleTree, KnownBinaryContents) {
  Bytes first(256);
  for (std::size_t i = 0; i < first.size(); ++i) first[i] = static_cast<std::uint8_t>(i);
  Bytes second(64);
  std::ranges::copy(Bytes{0x7f, 'E', 'L', 'F'}, second.begin());
  const ModuleTree tree = tree_of({first, second});
  EXPECT_EQ(tree.root().hex(), "bd8c9aba6ab1c6f31f27530a8bd2201c845ece4f4322a2559c81ffabcd485c6d");
  const auto attached = [&](const Bytes& content, std::uint32_t i) {
    return to_hex(sha256(der::join({content, write_module_trailer(tree.proof(i))})));
  };
  EXPECT_TRUE(attached(first, 0).starts_with("68de26e9") &&
              attached(first, 0).ends_with("0aab45d0"));
  EXPECT_TRUE(attached(second, 1).starts_with("116067b4") &&
              attached(second, 1).ends_with("642fd736"));
}

struct KnownProof {
  std::size_t count;
  std::uint32_t position;
  std::string_view proof;
};

constexpr KnownProof kProofs[] = {
    {2, 0, "00000000086f28117038ae752fa60d56bd2ce3dbfbcc1c11740467584fd052124caeb5bc"},
    {2, 1, "00000001acf475507393f89fde035fccb18adfbd48d8ffdd31d94868b4ec81adce8e34bc"},
    {3, 2,
     "00000002ecd7d4ca1a0be3e9a7c0f5c56bdf78e535c868fa30e7ee01bc2e9a78b6795874"
     "2b38210ee460e970b740cb14be6d66ddbb495135b54893f86feba172dabea18e"},
    {3, 0,
     "00000000086f28117038ae752fa60d56bd2ce3dbfbcc1c11740467584fd052124caeb5bc"
     "ab512edaae30457da13a8533179e49e4abe303e5d72936393edb8c7e4a7cf4d3"},
    {3, 1,
     "00000001acf475507393f89fde035fccb18adfbd48d8ffdd31d94868b4ec81adce8e34bc"
     "ab512edaae30457da13a8533179e49e4abe303e5d72936393edb8c7e4a7cf4d3"},
    {5, 0,
     "00000000086f28117038ae752fa60d56bd2ce3dbfbcc1c11740467584fd052124caeb5bc"
     "d255cf6b4ccbdf1d124f7e5681d305310d97bbf347afb7e78b258a2988dc1baa"
     "f61eca38c6840796369c5f72f8d86984ac3cc9fa1654ba99426933be22cfb6c3"},
    {5, 2,
     "00000002d5942b8444ad865830eabc79fbd61a022dbd0b970b8068db720c806985544f7d"
     "2b38210ee460e970b740cb14be6d66ddbb495135b54893f86feba172dabea18e"
     "f61eca38c6840796369c5f72f8d86984ac3cc9fa1654ba99426933be22cfb6c3"},
    {5, 4,
     "000000044f13f70aa74f6408f067481abb17405280c49e5328eac2a24f9d5c835bbeccc9"
     "f202c6ad4a649825effadc59e7611ca6cafa4b444bed87eb7ed4364b8544ec16"
     "5fe44abd59929482710e153ebe871433a3db7b642aef079169989d62d5248186"},
    {8, 5,
     "000000054f13f70aa74f6408f067481abb17405280c49e5328eac2a24f9d5c835bbeccc9"
     "ed4b7583fc7722d7652f581491da5c1f07c79a536f3aa51a6c2960513517285d"
     "5fe44abd59929482710e153ebe871433a3db7b642aef079169989d62d5248186"},
    {8, 7,
     "000000076a34fd0380916dd1c3994ef9544a7cedbc0aa29c8067e1f5bb60af6f8c3597e4"
     "b1bf7cf1324adbd9bddd341ce067abda66dad4538b8225f00a4f59ab9ca51e49"
     "5fe44abd59929482710e153ebe871433a3db7b642aef079169989d62d5248186"},
};

TEST(ModuleTree, KnownProofs) {
  for (const KnownProof& known : kProofs)
    EXPECT_EQ(to_hex(write_module_proof(tree_of(modules(known.count)).proof(known.position))),
              known.proof);
}

TEST(ModuleTree, KnownFiles) {
  const auto attached = [](std::size_t count, std::uint32_t i) {
    return der::join({module(i), write_module_trailer(tree_of(modules(count)).proof(i))});
  };
  EXPECT_EQ(
      to_hex(attached(1, 0)),
      "6d6f64756c6520300a00000000acf475507393f89fde035fccb18adfbd48d8ffdd31d94868b4ec81adce8e34bc"
      "0000030000000000000000247e4d6f64756c65207369676e617475726520617070656e6465647e0a");
  EXPECT_EQ(to_hex(sha256(attached(5, 0))),
            "59aca24fdebf5a00a8e873bcd15261a2961cccd5ffdbd9bd17e2bbd864b5a495");
  EXPECT_EQ(to_hex(sha256(attached(5, 4))),
            "c14fa16e500fd3f7f6d4e5e0f231ab9c613b40786fc6389aeda2acbb9d1e6be9");
  EXPECT_EQ(to_hex(sha256(attached(8, 7))),
            "1acd4b4b8595689e6ed8b68d9d0e932c55e1574055683729d73dd7c9c0c50dd9");
}

RC_GTEST_PROP(ModuleTree, IsAsDefined, ()) {
  const auto contents = *rc::gen::suchThat<std::vector<Bytes>>(
      [](const auto& all) { return !all.empty() && all.size() < 40; });
  const ModuleTree tree = tree_of(contents);
  const unsigned levels = reference_levels(contents.size());
  RC_ASSERT(tree.levels() == levels);
  RC_ASSERT(module_tree_levels(contents.size()) == levels);
  RC_ASSERT(tree.root().hex() == to_hex(reference_node(contents, levels, 0)));
}

RC_GTEST_PROP(ModuleTree, EachProofLeadsToTheRootAndNoOtherDoes, ()) {
  const auto count = *rc::gen::inRange<std::size_t>(1, 70);
  const auto at = *rc::gen::inRange<std::size_t>(0, count);
  const ModuleTree tree = tree_of(modules(count));
  const ModuleHash leaf = leaf_of(at, module(at));
  const ModuleProof proof = tree.proof(static_cast<std::uint32_t>(at));
  RC_ASSERT(*climb(proof, leaf) == tree.root());
  const Bytes bytes = write_module_proof(proof);
  RC_ASSERT(parse_module_proof(View(bytes)) == proof);

  Bytes changed = bytes;
  const auto byte = *rc::gen::inRange<std::size_t>(0, changed.size());
  changed[byte] ^= static_cast<std::uint8_t>(1U << *rc::gen::inRange(0, 8));
  const ModuleProof other = *parse_module_proof(View(changed));
  RC_ASSERT(*climb(other, leaf_of(other.position, module(at))) != tree.root());
}

// The last module of an odd number is its own sibling; that gives it no second place.
TEST(ModuleTree, SelfPairingIsNoSecondPosition) {
  const ModuleTree tree = tree_of(modules(5));
  ModuleProof proof = tree.proof(4);
  proof.position = 5;
  EXPECT_NE(*climb(proof, leaf_of(5, module(4))), tree.root());
}

TEST(ModuleProof, OnlySizesOfProofsParse) {
  for (std::size_t size = 0; size < 1200; ++size) {
    const Bytes bytes(size);
    const bool fits = size >= 4 && (size - 4) % 32 == 0 && size <= 4 + 32 * 32;
    EXPECT_EQ(parse_module_proof(View(bytes)).has_value(), fits) << size;
  }
}

TEST(ModuleProof, RootInTheKernelsByteOrder) {
  const ModuleTree tree = tree_of(modules(5));
  const ModuleRoot root{tree.levels(), tree.root()};
  const auto little = write_module_root(root, false);
  const auto big = write_module_root(root, true);
  EXPECT_EQ(to_hex(little), "03000000" + tree.root().hex());
  EXPECT_EQ(to_hex(big), "00000003" + tree.root().hex());
  EXPECT_EQ(parse_module_root(View(little), false), root);
  EXPECT_EQ(parse_module_root(View(big), true), root);
  EXPECT_FALSE(parse_module_root(View(big), false));  // 3 << 24 levels
  EXPECT_FALSE(parse_module_root(View(std::span(little).first(35)), false));
}

// Computed apart, in Python. RFC 6962's tree over the same contents is another (its type keeps its
// hashes apart as well).
TEST(Rfc6962Tree, KnownRoots) {
  const auto root_of = [](std::size_t count) {
    std::vector<LogHash> leaves;
    for (const Bytes& entry : modules(count)) leaves.push_back(*log_leaf(entry));
    return log_root(leaves)->hex();
  };
  EXPECT_EQ(root_of(0), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  const std::pair<std::size_t, std::pair<std::string_view, std::string_view>> known[] = {
      {1, {"c5f03c6d", "b749b4"}},
      {2, {"8d8e00f8", "604bcf"}},
      {3, {"694843be", "fb4053"}},
      {5, {"6ea903c2", "9e2e"}},
      {8, {"086f9cd3", "23125"}}};
  for (const auto& [count, ends] : known) {
    const std::string root = root_of(count);
    EXPECT_TRUE(root.starts_with(ends.first) && root.ends_with(ends.second)) << count << root;
    EXPECT_NE(root, tree_of(modules(count)).root().hex());
  }
}

}  // namespace
}  // namespace assay
