#include "npy.h"

#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>
#include <stdexcept>

namespace dovetail::test {

using ir::DType;

namespace {

// The text between `before` and `after` in a header such as
// {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }
std::string between(const std::string& text, const std::string& before, char after) {
  const size_t begin = text.find(before);
  if (begin == std::string::npos) throw std::runtime_error("npy header without " + before);
  const size_t from = begin + before.size();
  return text.substr(from, text.find(after, from) - from);
}

}  // namespace

ir::TensorData read_npy(const std::filesystem::path& path) {
  static const std::map<std::string, DType> kTypes = {
      {"<f4", DType::kF32}, {"<f8", DType::kF64}, {"<f2", DType::kF16}, {"|i1", DType::kI8},
      {"<i2", DType::kI16}, {"<i4", DType::kI32}, {"<i8", DType::kI64}, {"|u1", DType::kU8},
      {"<u2", DType::kU16}, {"<u4", DType::kU32}, {"<u8", DType::kU64}, {"|b1", DType::kBool},
      {"<V2", DType::kBF16}};  // as ml_dtypes writes bfloat16
  std::ifstream stream(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(stream), {}};
  if (bytes.size() < 10 || bytes.compare(0, 6, "\x93NUMPY") != 0 || bytes[6] != 1) {
    throw std::runtime_error("not a .npy 1.0 file: " + path.string());
  }
  const size_t length = static_cast<uint8_t>(bytes[8]) + 256u * static_cast<uint8_t>(bytes[9]);
  const std::string header = bytes.substr(10, length);
  if (between(header, "'fortran_order': ", ',') != "False") {
    throw std::runtime_error("Fortran order: " + path.string());
  }
  std::vector<int64_t> shape;
  std::istringstream extents(between(header, "'shape': (", ')'));
  for (std::string extent; std::getline(extents, extent, ',');) {
    if (extent.find_first_not_of(' ') != std::string::npos) shape.push_back(std::stoll(extent));
  }
  std::vector<std::byte> data(bytes.size() - 10 - length);
  std::memcpy(data.data(), bytes.data() + 10 + length, data.size());
  return ir::TensorData(kTypes.at(between(header, "'descr': '", '\'')), shape, std::move(data));
}

}  // namespace dovetail::test
