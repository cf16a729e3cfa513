#include "runtime/tensor.h"

#include <algorithm>
#include <new>

#include "base/error.h"

namespace dovetail {
namespace detail {
namespace {

constexpr std::align_val_t kAlignment{DV_ALIGNMENT};

std::vector<int64_t> row_major(const std::vector<int64_t>& shape) {
  std::vector<int64_t> strides(shape.size());
  int64_t step = 1;
  for (size_t axis = shape.size(); axis-- > 0;) {
    strides[axis] = step;
    step *= std::max<int64_t>(shape[axis], 1);
  }
  return strides;
}

std::string shape_text(const std::vector<int64_t>& shape) {
  std::string text = "(";
  for (const int64_t extent : shape) {
    text += fmt::format("{}{}", text.size() == 1 ? "" : ", ", extent);
  }
  return text + ")";
}

}  // namespace

Tensor TensorNode::make(void* data, std::vector<int64_t> shape, const int64_t* strides, DType dtype,
                        Device device, bool read_only, std::shared_ptr<const void> owner) {
  auto node = std::make_shared<TensorNode>();
  node->strides =
      strides ? std::vector<int64_t>(strides, strides + shape.size()) : row_major(shape);
  node->shape = std::move(shape);
  node->read_only = read_only;
  node->owner = std::move(owner);
  const bool scalar = node->shape.empty();
  node->tensor = dv_tensor{data,
                           {device.type, device.id},
                           static_cast<int32_t>(node->shape.size()),
                           dtype.value(),
                           scalar ? nullptr : node->shape.data(),
                           scalar ? nullptr : node->strides.data(),
                           0};
  return Tensor(std::move(node));
}

Tensor TensorNode::make(const dv_tensor& tensor, bool read_only,
                        std::shared_ptr<const void> owner) {
  std::vector<int64_t> shape(tensor.shape, tensor.shape + tensor.ndim);
  auto* data = static_cast<std::byte*>(tensor.data);
  return make(data ? data + tensor.byte_offset : nullptr, std::move(shape), tensor.strides,
              tensor.dtype, {tensor.device.type, tensor.device.id}, read_only, std::move(owner));
}

int64_t checked_bytes(const std::vector<int64_t>& shape, DType dtype) {
  for (const int64_t extent : shape) {
    if (extent < 0) {
      throw_error(ErrorKind::kValue, "a tensor of shape {} has a negative extent",
                  shape_text(shape));
    }
  }
  // The product of the other extents is bounded too, so that strides cannot overflow.
  auto bytes = static_cast<int64_t>(dtype.size());
  for (const int64_t extent : shape) {
    if (__builtin_mul_overflow(bytes, std::max<int64_t>(extent, 1), &bytes)) {
      throw_error(ErrorKind::kValue, "a tensor of shape {} and dtype {} is too large",
                  shape_text(shape), dtype.name());
    }
  }
  return std::ranges::find(shape, 0) == shape.end() ? bytes : 0;
}

void check_device(Device device) {
  if (device == cpu()) return;
  throw_error(ErrorKind::kUnsupported, "there is no device {} here; there is {}", device.name(),
              cpu().name());
}

}  // namespace detail

using detail::TensorNode;

Tensor Tensor::empty(std::vector<int64_t> shape, DType dtype, Device device) {
  detail::check_device(device);
  const auto bytes = static_cast<size_t>(detail::checked_bytes(shape, dtype));
  void* data = ::operator new(std::max<size_t>(bytes, 1), detail::kAlignment, std::nothrow);
  if (!data) {
    throw_error(ErrorKind::kMemory, "no memory for a tensor of {} bytes, {} {}", bytes,
                dtype.name(), detail::shape_text(shape));
  }
  std::shared_ptr<const void> owner(
      data, [](void* memory) { ::operator delete(memory, detail::kAlignment); });
  return TensorNode::make(data, std::move(shape), nullptr, dtype, device, false, std::move(owner));
}

Tensor Tensor::view(void* data, std::vector<int64_t> shape, DType dtype,
                    std::shared_ptr<const void> owner) {
  detail::checked_bytes(shape, dtype);
  return TensorNode::make(data, std::move(shape), nullptr, dtype, cpu(), false, std::move(owner));
}

Tensor Tensor::view(const void* data, std::vector<int64_t> shape, DType dtype,
                    std::shared_ptr<const void> owner) {
  detail::checked_bytes(shape, dtype);
  // Read-only views refuse mutable access, so that the const comes back at every use.
  return TensorNode::make(const_cast<void*>(data), std::move(shape), nullptr, dtype, cpu(), true,
                          std::move(owner));
}

const TensorNode& Tensor::node() const {
  if (!node_) throw_error(ErrorKind::kType, "expected a Tensor, got an undefined one");
  return *node_;
}

const std::vector<int64_t>& Tensor::shape() const { return node().shape; }
const std::vector<int64_t>& Tensor::strides() const { return node().strides; }
DType Tensor::dtype() const { return node().tensor.dtype; }
Device Tensor::device() const { return {node().tensor.device.type, node().tensor.device.id}; }
bool Tensor::is_read_only() const { return node().read_only; }
void* Tensor::raw_data() const { return node().tensor.data; }
const dv_tensor* Tensor::get() const { return &node().tensor; }
std::string Tensor::text() const { return dtype().name() + " " + detail::shape_text(shape()); }

int64_t Tensor::num_elements() const {
  int64_t count = 1;
  for (const int64_t extent : shape()) count *= extent;
  return count;
}

bool Tensor::is_contiguous() const {
  if (num_elements() == 0) return true;
  const std::vector<int64_t>& extents = shape();
  int64_t step = 1;
  for (size_t axis = extents.size(); axis-- > 0;) {
    if (extents[axis] != 1 && strides()[axis] != step) return false;
    step *= extents[axis];
  }
  return true;
}

void Tensor::check_access(DType dtype, bool read_only) const {
  if (dtype != this->dtype()) {
    throw_error(ErrorKind::kType, "the tensor's dtype is {}, not {}", this->dtype().name(),
                dtype.name());
  }
  if (is_read_only() && !read_only) {
    throw_error(ErrorKind::kType, "the tensor is read-only; use data<const T>()");
  }
}

}  // namespace dovetail
