// Reads the .npy files that the case scripts write: little-endian, C order.
#pragma once

#include <filesystem>

#include "ir/tensor.h"

namespace dovetail::test {

// Throws std::runtime_error for anything else.
ir::TensorData read_npy(const std::filesystem::path& path);

}  // namespace dovetail::test
