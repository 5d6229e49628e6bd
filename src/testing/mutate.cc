#include "testing/mutate.h"

#include <algorithm>

#include "base/extent.h"
#include "testing/der.h"

namespace assay {

namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr std::size_t kMaxGrowth = 600;
constexpr int kMaxDepth = 24;

std::size_t below(Random& random, std::size_t bound) {
  return bound == 0 ? 0 : static_cast<std::size_t>(random() % bound);
}

auto at(Bytes& bytes, std::size_t index) {
  return bytes.begin() + static_cast<std::ptrdiff_t>(index);
}

// Tags, lengths and contents that mean something in the grammars.
std::uint8_t telling_byte(Random& random) {
  constexpr std::uint8_t kBytes[] = {0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0C, 0x10,
                                     0x11, 0x16, 0x17, 0x18, 0x1F, 0x24, 0x30, 0x31, 0x7F,
                                     0x80, 0x81, 0x82, 0x83, 0x84, 0x87, 0x88, 0xA0, 0xA1,
                                     0xA2, 0xA3, 0xA4, 0xA5, 0xA6, 0xA7, 0xA8, 0xBF, 0xFF};
  return random() % 3 == 0 ? static_cast<std::uint8_t>(random())
                           : kBytes[below(random, std::size(kBytes))];
}

Bytes mutate_bytes(Bytes bytes, Random& random) {
  const std::size_t start = below(random, bytes.size() + 1);
  const std::size_t rest = bytes.size() - start;
  const std::size_t size = std::min(rest, below(random, random() % 4 == 0 ? 64 : 6));
  const auto from = at(bytes, start);
  switch (random() % 7) {
    case 0:
      if (rest > 0) *from = telling_byte(random);
      break;
    case 1:
      if (rest > 0) *from = static_cast<std::uint8_t>(*from ^ (1U << (random() % 8)));
      break;
    case 2: bytes.erase(from, from + static_cast<std::ptrdiff_t>(size)); break;
    case 3: {
      const Bytes copy(from, from + static_cast<std::ptrdiff_t>(size));
      bytes.insert(at(bytes, below(random, bytes.size() + 1)), copy.begin(), copy.end());
      break;
    }
    case 4:
      for (std::size_t i = random() % 4; i <= 4; ++i)
        bytes.insert(at(bytes, start), telling_byte(random));
      break;
    case 5:
      if (rest > 1) *from = static_cast<std::uint8_t>(*from + (random() % 2 == 0 ? 1 : -1));
      break;
    case 6: bytes.resize(start); break;
  }
  return bytes;
}

void collect(std::vector<BerNode>& nodes, std::vector<std::vector<BerNode>*>& lists) {
  lists.push_back(&nodes);
  for (BerNode& node : nodes)
    if (node.has_children) collect(node.children, lists);
}

BerNode end_of_contents() { return {}; }

void mutate_node(std::vector<BerNode>& list, std::size_t index, const BerNode& other,
                 Random& random) {
  BerNode& node = list[index];
  const auto position = list.begin() + static_cast<std::ptrdiff_t>(index);
  switch (random() % 14) {
    case 0: node.tag = static_cast<std::uint8_t>(node.tag ^ 0x20); break;
    case 1:
      node.tag = static_cast<std::uint8_t>(node.tag ^ (random() % 2 == 0 ? 0x80 : 0x40));
      break;
    case 2: node.tag = static_cast<std::uint8_t>((node.tag & 0xE0) | (random() % 9)); break;
    case 3: node.tag = telling_byte(random); break;
    case 4: node.indefinite = !node.indefinite; break;
    case 5: node.length_octets = random() % 6; break;
    case 6: list.erase(position); break;
    case 7: list.insert(position, BerNode(node)); break;
    case 8: std::swap(node, list[below(random, list.size())]); break;
    case 9: node = BerNode(other); break;
    case 10: list.insert(position, BerNode(other)); break;
    case 11: {
      BerNode wrapped{telling_byte(random), random() % 2 == 0, 0, {}, {std::move(node)}, true};
      node = std::move(wrapped);
      break;
    }
    case 12:
      list.insert(position + static_cast<std::ptrdiff_t>(random() % 2), end_of_contents());
      break;
    case 13:
      node.children.clear();
      node.content.resize(below(random, node.content.size() + 2));
      node.has_children = false;
      break;
  }
}

void make_indefinite(std::vector<BerNode>& nodes, Random& random) {
  for (BerNode& node : nodes) {
    if ((node.tag & 0x20) != 0 && random() % 2 == 0) node.indefinite = true;
    make_indefinite(node.children, random);
  }
}

Bytes mutate_tree(const Bytes& bytes, Random& random) {
  std::vector<BerNode> nodes = parse_ber_nodes(bytes);
  if (random() % 8 == 0) {
    make_indefinite(nodes, random);
    return write_ber_nodes(nodes);
  }
  std::vector<std::vector<BerNode>*> lists;
  collect(nodes, lists);
  std::vector<BerNode>& list = *lists[below(random, lists.size())];
  const std::vector<BerNode>& others = *lists[below(random, lists.size())];
  if (list.empty() || others.empty()) return mutate_bytes(bytes, random);
  const BerNode other = others[below(random, others.size())];
  mutate_node(list, below(random, list.size()), other, random);
  return write_ber_nodes(nodes);
}

bool parse_nodes(std::span<const std::uint8_t> bytes, std::size_t& next, bool to_end_of_contents,
                 int depth, std::vector<BerNode>& nodes);

// The length octets at `next`; false where they or the content are not there.
bool parse_length(std::span<const std::uint8_t> bytes, std::size_t& next, std::size_t& size) {
  const std::uint8_t first = bytes[next++];
  size = first;
  if (first > 0x80) {
    if (first > 0x83) return false;
    size = 0;
    for (unsigned octets = first & 0x7FU; octets > 0; --octets) {
      if (next == bytes.size()) return false;
      size = size << 8 | bytes[next++];
    }
  }
  return lies_inside(next, size, bytes.size());
}

bool parse_node(std::span<const std::uint8_t> bytes, std::size_t& next, int depth, BerNode& node) {
  if (bytes.size() - next < 2) return false;
  node.tag = bytes[next++];
  if (bytes[next] == 0x80) {
    node.indefinite = node.has_children = true;
    return parse_nodes(bytes, ++next, true, depth + 1, node.children);
  }
  std::size_t size = 0;
  if (!parse_length(bytes, next, size)) return false;
  const auto content = bytes.subspan(next, size);
  next += size;
  node.content.assign(content.begin(), content.end());
  // Extensions are elements inside OCTET STRINGs.
  if ((node.tag & 0x20) != 0 || node.tag == 0x04) {
    std::size_t inner = 0;
    node.has_children = parse_nodes(content, inner, false, depth + 1, node.children);
  }
  return true;
}

bool parse_nodes(std::span<const std::uint8_t> bytes, std::size_t& next, bool to_end_of_contents,
                 int depth, std::vector<BerNode>& nodes) {
  if (depth > kMaxDepth) return false;
  while (next < bytes.size()) {
    if (to_end_of_contents && bytes.size() - next >= 2 && bytes[next] == 0) {
      next += 2;
      return true;
    }
    BerNode node;
    if (!parse_node(bytes, next, depth, node)) return false;
    nodes.push_back(std::move(node));
  }
  return !to_end_of_contents;
}

}  // namespace

std::vector<BerNode> parse_ber_nodes(std::span<const std::uint8_t> bytes) {
  std::vector<BerNode> nodes;
  std::size_t next = 0;
  return parse_nodes(bytes, next, false, 0, nodes) ? nodes : std::vector<BerNode>();
}

std::vector<std::uint8_t> write_ber_nodes(const std::vector<BerNode>& nodes) {
  Bytes out;
  for (const BerNode& node : nodes) {
    const Bytes content = node.has_children ? write_ber_nodes(node.children) : node.content;
    const Bytes written = node.indefinite ? der::indefinite(node.tag, {content})
                          : node.length_octets != 0
                              ? der::long_form(node.tag, content, node.length_octets)
                              : der::element(node.tag, content);
    out.insert(out.end(), written.begin(), written.end());
  }
  return out;
}

std::vector<std::uint8_t> mutate_ber(std::span<const std::uint8_t> message, Random& random) {
  const Bytes bytes(message.begin(), message.end());
  Bytes changed = random() % 3 == 0 ? mutate_bytes(bytes, random) : mutate_tree(bytes, random);
  if (changed.size() > bytes.size() + kMaxGrowth) changed.resize(bytes.size() + kMaxGrowth);
  return changed;
}

}  // namespace assay
