// Exchange of tensors with other libraries through DLPack 1.x. The structures are declared here
// again, by layout, so that DLPack's header is not needed; dv_tensor already has DLTensor's layout.
#include <cstddef>
#include <memory>

#include "base/error.h"
#include "runtime/tensor.h"

namespace dovetail {
namespace {

struct Managed {  // DLManagedTensorVersioned
  uint32_t major;
  uint32_t minor;
  void* context;
  void (*deleter)(Managed* self);
  uint64_t flags;
  dv_tensor tensor;
};
static_assert(offsetof(Managed, context) == 8 && offsetof(Managed, deleter) == 16 &&
              offsetof(Managed, flags) == 24 && offsetof(Managed, tensor) == 32 &&
              sizeof(dv_tensor) == 48);

struct Owner {
  Managed* managed = nullptr;
  Owner() = default;
  Owner(const Owner&) = delete;
  Owner& operator=(const Owner&) = delete;
  ~Owner() {
    if (managed && managed->deleter) managed->deleter(managed);
  }
};

constexpr uint32_t kMajor = 1;
constexpr uint32_t kMinor = 1;
constexpr uint64_t kReadOnly = 1;

void check(const Managed& managed) {
  if (managed.major != kMajor) {
    throw_error(ErrorKind::kUnsupported,
                "the tensor is of DLPack version {}.{}; this runtime reads version {}",
                managed.major, managed.minor, kMajor);
  }
  const dv_tensor& tensor = managed.tensor;
  if (tensor.ndim < 0 || (tensor.ndim > 0 && !tensor.shape)) {
    throw_error(ErrorKind::kValue, "the DLPack tensor has no valid shape");
  }
  detail::check_device({tensor.device.type, tensor.device.id});
  const DType dtype(tensor.dtype);
  detail::check_dtype(dtype);
  detail::checked_bytes({tensor.shape, tensor.shape + tensor.ndim}, dtype);
}

}  // namespace

Tensor Tensor::from_dlpack(DLManagedTensorVersioned* opaque) {
  auto* managed = reinterpret_cast<Managed*>(opaque);
  if (!managed) throw_error(ErrorKind::kValue, "the DLPack tensor is null");
  check(*managed);
  auto owner = std::make_shared<Owner>();
  Tensor tensor =
      detail::TensorNode::make(managed->tensor, (managed->flags & kReadOnly) != 0, owner);
  owner->managed = managed;  // last: until here a failure leaves the tensor with the caller
  return tensor;
}

DLManagedTensorVersioned* Tensor::to_dlpack() const {
  const detail::TensorNode& source = node();
  auto keeper = std::make_unique<Tensor>(*this);
  const auto deleter = [](Managed* self) {
    delete static_cast<Tensor*>(self->context);
    delete self;
  };
  auto* managed = new Managed{
      kMajor, kMinor, keeper.get(), deleter, source.read_only ? kReadOnly : 0, source.tensor};
  [[maybe_unused]] const Tensor* released = keeper.release();  // now the context's
  return reinterpret_cast<DLManagedTensorVersioned*>(managed);
}

}  // namespace dovetail
