#include <dovetail/abi.h>

#include <cstring>

#include "export/export.h"

namespace dovetail::exporter {
namespace {

// 64-bit FNV-1a over 8-byte words, then the rest: only a key, equality is checked on the bytes.
uint64_t hash_of(uint64_t hash, std::span<const std::byte> bytes) {
  constexpr uint64_t kPrime = 0x100000001b3;
  size_t i = 0;
  for (; i + 8 <= bytes.size(); i += 8) {
    uint64_t word;
    std::memcpy(&word, bytes.data() + i, 8);
    hash = (hash ^ word) * kPrime;
    hash ^= hash >> 32;
  }
  for (; i < bytes.size(); ++i) hash = (hash ^ static_cast<uint64_t>(bytes[i])) * kPrime;
  return hash;
}

constexpr uint64_t kBasis = 0xcbf29ce484222325;

bool equal(std::span<const std::byte> a, std::span<const std::byte> b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0);
}

}  // namespace

int64_t WeightsImage::add(const ir::TensorData& tensor) {
  std::vector<size_t>& equal_hash = by_hash_[hash_of(kBasis, tensor.bytes())];
  for (const size_t piece : equal_hash) {
    if (equal(pieces_[piece].tensor.bytes(), tensor.bytes())) return pieces_[piece].offset;
  }
  const int64_t offset = size_;
  equal_hash.push_back(pieces_.size());
  pieces_.push_back({offset, tensor});
  const auto bytes = static_cast<int64_t>(tensor.bytes().size());
  size_ += (bytes + DV_ALIGNMENT - 1) / DV_ALIGNMENT * DV_ALIGNMENT;
  return offset;
}

uint64_t WeightsImage::hash() const {
  uint64_t hash = kBasis;
  for (const auto& [key, pieces] : by_hash_) hash = (hash ^ key) * 0x100000001b3 ^ (hash >> 29);
  return hash;
}

void WeightsImage::visit(const std::function<void(std::span<const std::byte>)>& write) const {
  const std::vector<std::byte> zeros(DV_ALIGNMENT);
  for (const Piece& piece : pieces_) {
    write(piece.tensor.bytes());
    const size_t rest = piece.tensor.bytes().size() % DV_ALIGNMENT;
    if (rest != 0) write(std::span(zeros).first(DV_ALIGNMENT - rest));
  }
}

}  // namespace dovetail::exporter
