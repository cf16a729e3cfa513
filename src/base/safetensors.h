// Files of named tensors in the safetensors format: the length of a JSON header in 8 bytes, the
// header, the bytes of the tensors.
#pragma once

#include <dovetail/abi.h>

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace dovetail {

struct NamedTensor {
  std::string name;
  dv_dtype dtype;
  std::vector<int64_t> shape;
  std::span<const std::byte> data;  // row-major
};

// What is in a file's bytes, to which the tensors refer, in the header's order. `where` begins
// every message. kValue for what breaks the format in any way: cut, not JSON, tensors that overlap,
// leave bytes unused or whose size is not that of their shape; kUnsupported: a dtype that abi.h
// does not have.
std::vector<NamedTensor> parse_safetensors(std::span<const std::byte> file,
                                           const std::string& where);

// Replaces the file, whole or not at all. The header is padded so that the data starts at a
// multiple of 8, and larger elements come first, so that every tensor is aligned to its element.
// Nothing is written when a tensor has a name or a dtype that the format does not have
// (kUnsupported), a negative extent or no data (kValue).
void write_safetensors(const std::filesystem::path& path, std::span<const NamedTensor> tensors);

}  // namespace dovetail
