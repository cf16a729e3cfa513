// What a Tensor handle names.
#pragma once

#include <dovetail/runtime.h>

#include <memory>
#include <vector>

namespace dovetail::detail {

// `tensor` points into the vectors, so a node stays where it was made.
struct TensorNode {
  std::vector<int64_t> shape;
  std::vector<int64_t> strides;  // in elements; never empty when shape is not
  dv_tensor tensor;              // byte_offset is 0: it is added to data
  bool read_only = false;
  std::shared_ptr<const void> owner;

  // A handle to a new node. `strides` null: row-major.
  static Tensor make(void* data, std::vector<int64_t> shape, const int64_t* strides, DType dtype,
                     Device device, bool read_only, std::shared_ptr<const void> owner);
  // A view of what `tensor` describes; it is trusted.
  static Tensor make(const dv_tensor& tensor, bool read_only, std::shared_ptr<const void> owner);
};

// kValue when an extent is negative or the tensor has more than 2^63 - 1 bytes.
int64_t checked_bytes(const std::vector<int64_t>& shape, DType dtype);
// kType unless it is one of those that DType::named() knows.
void check_dtype(DType dtype);
// kUnsupported unless tensors may live on the device.
void check_device(Device device);

}  // namespace dovetail::detail
