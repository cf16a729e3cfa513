#include "import/tensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/error.h"
#include "ops/lowering/context.h"

namespace dovetail::import {
namespace {

using ir::DType;
using ir::TensorData;
using onnx::TensorProto;

constexpr int kMaxRank = 64;
constexpr uint64_t kMaxBytes = uint64_t{1} << 40;

std::vector<int64_t> shape_of(const TensorProto& tensor, DType dtype, size_t* size) {
  std::vector<int64_t> shape(tensor.dims().begin(), tensor.dims().end());
  if (tensor.dims_size() > kMaxRank) {
    throw_error(ErrorKind::kValue, "it has {} axes, at most {} are supported", shape.size(),
                kMaxRank);
  }
  uint64_t bytes = static_cast<uint64_t>(ir::size_of(dtype));
  bool empty = false;
  for (const int64_t extent : shape) {
    if (extent < 0) throw_error(ErrorKind::kValue, "its shape holds {}", extent);
    if (extent == 0) {
      empty = true;
    } else if (static_cast<uint64_t>(extent) > kMaxBytes / bytes) {
      throw_error(ErrorKind::kValue, "its shape [{}] stands for more than 1 TB",
                  fmt::join(shape, ","));
    } else {
      bytes *= static_cast<uint64_t>(extent);
    }
  }
  *size = empty ? 0 : bytes;
  return shape;
}

[[noreturn]] void wrong_count(const std::vector<int64_t>& shape, const char* field, size_t given,
                              size_t expected, const char* unit) {
  throw_error(ErrorKind::kValue, "{} holds {} {}, but its shape [{}] takes {}", field, given, unit,
              fmt::join(shape, ","), expected);
}

// Other values than 0 and 1 would be other values in every kernel.
TensorData clean(TensorData data) {
  const auto is_wide = [](std::byte b) { return b > std::byte{1}; };
  if (data.dtype() != DType::kBool ||
      std::none_of(data.bytes().begin(), data.bytes().end(), is_wide)) {
    return data;
  }
  std::vector<std::byte> bytes(data.bytes().begin(), data.bytes().end());
  for (std::byte& b : bytes) b = b == std::byte{0} ? b : std::byte{1};
  return TensorData(DType::kBool, data.shape(), std::move(bytes));
}

// A typed field: as it lies when its elements are as wide as the tensor's, else narrowed.
template <class Field>
TensorData typed(const Field& field, const char* name, DType dtype, std::vector<int64_t> shape,
                 size_t size, const std::shared_ptr<const void>& owner) {
  using Element = typename Field::value_type;
  const size_t width = static_cast<size_t>(ir::size_of(dtype));
  const size_t count = size / width;
  if (static_cast<size_t>(field.size()) != count) {
    wrong_count(shape, name, static_cast<size_t>(field.size()), count, "elements");
  }
  const std::span<const Element> values(field.data(), count);
  if (width == sizeof(Element)) return {dtype, std::move(shape), std::as_bytes(values), owner};
  std::vector<std::byte> bytes(size);
  for (size_t i = 0; i < count; ++i) {
    // Little-endian: the low bytes stand first.
    std::memcpy(bytes.data() + i * width, &values[i], width);
  }
  return {dtype, std::move(shape), std::move(bytes)};
}

TensorData of_typed_field(const TensorProto& tensor, DType dtype, std::vector<int64_t> shape,
                          size_t size, const std::shared_ptr<const void>& owner) {
  switch (dtype) {
    case DType::kF32:
      return typed(tensor.float_data(), "float_data", dtype, std::move(shape), size, owner);
    case DType::kF64:
      return typed(tensor.double_data(), "double_data", dtype, std::move(shape), size, owner);
    case DType::kI64:
      return typed(tensor.int64_data(), "int64_data", dtype, std::move(shape), size, owner);
    case DType::kU32:
    case DType::kU64:
      return typed(tensor.uint64_data(), "uint64_data", dtype, std::move(shape), size, owner);
    default:
      return typed(tensor.int32_data(), "int32_data", dtype, std::move(shape), size, owner);
  }
}

uint64_t number(const std::string& text, const char* key) {
  uint64_t value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc() || end != text.data() + text.size()) {
    throw_error(ErrorKind::kValue, "external data: {} is '{}', expected a number of bytes", key,
                text);
  }
  return value;
}

}  // namespace

TensorData Tensors::read(const TensorProto& tensor) {
  const DType dtype = ops::dtype_of_onnx(tensor.data_type());
  if (tensor.has_segment()) {
    throw_error(ErrorKind::kUnsupported, "tensors in segments are not supported");
  }
  size_t size = 0;
  std::vector<int64_t> shape = shape_of(tensor, dtype, &size);
  if (tensor.data_location() == TensorProto::EXTERNAL) {
    return clean(external(tensor, dtype, std::move(shape), size));
  }
  if (tensor.has_raw_data()) {
    const std::string& raw = tensor.raw_data();
    if (raw.size() != size) wrong_count(shape, "raw_data", raw.size(), size, "bytes");
    return clean({dtype, std::move(shape), std::as_bytes(std::span(raw)), owners_});
  }
  return clean(of_typed_field(tensor, dtype, std::move(shape), size, owners_));
}

std::filesystem::path Tensors::inside(const std::string& location) const {
  namespace fs = std::filesystem;
  const fs::path relative(location);
  const bool climbs = std::find(relative.begin(), relative.end(), "..") != relative.end();
  if (location.empty() || relative.is_absolute() || climbs ||
      location.find('\0') != std::string::npos) {
    throw_error(ErrorKind::kValue,
                "external data: location '{}' is not a path within the model's folder", location);
  }
  std::error_code problem;
  const fs::path folder = fs::canonical(folder_, problem);
  const fs::path path = fs::canonical(folder / relative, problem);
  if (problem) {
    throw_error(ErrorKind::kIo, "external data: cannot read {}: {}", (folder_ / relative).string(),
                problem.message());
  }
  // A symbolic link may lead anywhere; what it leads to counts.
  const auto [end, rest] = std::mismatch(folder.begin(), folder.end(), path.begin(), path.end());
  if (end != folder.end()) {
    throw_error(ErrorKind::kValue, "external data: location '{}' leads out of the model's folder",
                location);
  }
  return path;
}

TensorData Tensors::external(const TensorProto& tensor, DType dtype, std::vector<int64_t> shape,
                             size_t size) {
  std::string location;
  uint64_t offset = 0;
  uint64_t length = size;
  for (const onnx::StringStringEntryProto& entry : tensor.external_data()) {
    if (entry.key() == "location") location = entry.value();
    if (entry.key() == "offset") offset = number(entry.value(), "offset");
    if (entry.key() == "length") length = number(entry.value(), "length");
  }
  const std::filesystem::path path = inside(location);
  if (length != size) {
    wrong_count(shape, "external data", length, size, "bytes");
  }
  auto file = files_.find(path);
  if (file == files_.end()) file = files_.emplace(path, read_file(path)).first;
  const FileBytes& bytes = file->second;
  if (offset > bytes.span.size() || size > bytes.span.size() - offset) {
    throw_error(ErrorKind::kValue,
                "external data: {} bytes from {} on are asked for, but '{}' holds {}", size, offset,
                location, bytes.span.size());
  }
  return {dtype, std::move(shape), bytes.span.subspan(offset, size), bytes.owner};
}

}  // namespace dovetail::import
