#include <dovetail/runtime.h>

#include <algorithm>
#include <iterator>

#include "base/error.h"
#include "runtime/tensor.h"

namespace dovetail {
namespace {

struct Row {
  std::string_view name;
  dv_dtype value;
};
constexpr Row kDTypes[] = {
    {"float32", {DV_FLOAT, 32, 1}}, {"float64", {DV_FLOAT, 64, 1}},
    {"float16", {DV_FLOAT, 16, 1}}, {"bfloat16", {DV_BFLOAT, 16, 1}},
    {"int8", {DV_INT, 8, 1}},       {"int16", {DV_INT, 16, 1}},
    {"int32", {DV_INT, 32, 1}},     {"int64", {DV_INT, 64, 1}},
    {"uint8", {DV_UINT, 8, 1}},     {"uint16", {DV_UINT, 16, 1}},
    {"uint32", {DV_UINT, 32, 1}},   {"uint64", {DV_UINT, 64, 1}},
    {"bool", {DV_BOOL, 8, 1}},
};

// DLPack's device types, by number.
constexpr const char* kDevices[] = {nullptr,  "cpu",       "cuda",    "cuda_host",    "opencl",
                                    nullptr,  nullptr,     "vulkan",  "metal",        "vpi",
                                    "rocm",   "rocm_host", "ext_dev", "cuda_managed", "oneapi",
                                    "webgpu", "hexagon"};

std::string known_names() {
  std::string names;
  for (const Row& row : kDTypes) names += fmt::format("{}{}", names.empty() ? "" : ", ", row.name);
  return names;
}

const Row* find(DType dtype) {
  const auto* row = std::ranges::find_if(
      kDTypes, [&](const Row& candidate) { return DType(candidate.value) == dtype; });
  return row == std::end(kDTypes) ? nullptr : row;
}

}  // namespace

void detail::check_dtype(DType dtype) {
  if (find(dtype)) return;
  throw_error(ErrorKind::kType, "there are no tensors of {} here; there are {}", dtype.name(),
              known_names());
}

std::string Device::name() const {
  const auto known = static_cast<int32_t>(std::size(kDevices));
  const char* text = type >= 0 && type < known ? kDevices[type] : nullptr;
  return text ? fmt::format("{}:{}", text, id) : fmt::format("device type {}:{}", type, id);
}

DType DType::named(std::string_view name) {
  const auto* row = std::ranges::find(kDTypes, name, &Row::name);
  if (row != std::end(kDTypes)) return row->value;
  throw_error(ErrorKind::kValue, "there is no dtype '{}'; there are {}", name, known_names());
}

std::string DType::name() const {
  if (const Row* row = find(*this)) return std::string(row->name);
  return fmt::format("dtype (code {}, bits {}, lanes {})", value_.code, value_.bits, value_.lanes);
}

}  // namespace dovetail
