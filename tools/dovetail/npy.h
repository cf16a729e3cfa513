// NumPy's file format for one array.
#pragma once

#include <dovetail/runtime.h>

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "base/files.h"

namespace dovetail::tool {

struct NpyArray {
  DType dtype;
  std::vector<int64_t> shape;
  std::vector<std::byte> bytes;  // row-major, little-endian
};

// Versions 1.0 to 3.0, C and Fortran order. kValue, beginning with `where`: not such a file,
// truncated, big-endian, or of a dtype that no tensor has.
NpyArray parse_npy(std::span<const std::byte> file, const std::string& where);
NpyArray read_npy(const std::filesystem::path& path);

// Version 1.0, C order, to be committed. A bfloat16, which numpy does not know, is written as
// '<V2', as ml_dtypes does.
AtomicFile write_npy(const std::filesystem::path& path, DType dtype, std::span<const int64_t> shape,
                     std::span<const std::byte> bytes);

}  // namespace dovetail::tool
