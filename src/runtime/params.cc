#include "runtime/params.h"

#include <algorithm>
#include <new>
#include <vector>

#include "base/error.h"
#include "base/files.h"
#include "base/safetensors.h"
#include "runtime/dv_error.h"
#include "runtime/host.h"

namespace dovetail {
namespace {

// One entry for each param and each frozen value of the model; null: not given, or undefined.
std::vector<const dv_tensor*> table_of(const dv_model& model, const Params& params) {
  std::vector<const dv_tensor*> table;
  const auto look_up = [&](const dv_tensor_info* infos, int32_t count) {
    for (int32_t k = 0; k < count; ++k) {
      const auto found = params.tensors.find(infos[k].name);
      const bool given = found != params.tensors.end() && found->second.defined();
      table.push_back(given ? found->second.get() : nullptr);
    }
  };
  look_up(model.params, model.num_params);
  look_up(model.frozen, model.num_frozen);
  return table;
}

// dv_error has no room for many faults.
void check_all(const dv_model& model, const std::vector<const dv_tensor*>& table) {
  std::string faults;
  dv_error fault{};
  int32_t next = 0;
  while (const int32_t code =
             model.library->api->check_params(&model, table.data(), &next, &fault)) {
    if (code == DV_STATE_ERROR) runtime::check(code, fault);
    faults += (faults.empty() ? "" : "; ") + std::string(fault.message);
  }
  if (!faults.empty()) throw Error(ErrorKind::kValue, faults);
}

}  // namespace

runtime::PreparedParams runtime::prepare_params(const dv_model& model, const Params& params) {
  const std::vector<const dv_tensor*> table = table_of(model, params);
  check_all(model, table);
  constexpr std::align_val_t kAlignment{DV_ALIGNMENT};
  const auto bytes = static_cast<size_t>(model.prepare->weights_size);
  void* memory = ::operator new(std::max<size_t>(bytes, 1), kAlignment, std::nothrow);
  if (!memory) {
    throw_error(ErrorKind::kMemory, "no memory for the params of model '{}': {} bytes", model.name,
                bytes);
  }
  const std::shared_ptr<uint8_t> weights(
      static_cast<uint8_t*>(memory), [](uint8_t* block) { ::operator delete(block, kAlignment); });
  Host host(num_threads());
  dv_error error{};
  check(model.library->api->prepare_params(&model, host.get(), table.data(), weights.get(), &error),
        error);
  return weights;
}

Params Params::load(const std::filesystem::path& path) {
  const auto file = std::make_shared<const MappedFile>(path);
  Params params;
  for (NamedTensor& tensor : parse_safetensors(file->bytes(), path.string())) {
    const void* data = tensor.data.data();
    params.tensors.emplace(std::move(tensor.name),
                           Tensor::view(data, std::move(tensor.shape), tensor.dtype, file));
  }
  return params;
}

void Params::save(const std::filesystem::path& path) const {
  std::vector<NamedTensor> named;
  for (const auto& [name, tensor] : tensors) {
    if (!tensor.defined()) {
      throw_error(ErrorKind::kValue, "tensor '{}' is undefined: set it or take it out", name);
    }
    if (tensor.device() != cpu() || !tensor.is_contiguous()) {
      throw_error(ErrorKind::kValue,
                  "tensor '{}' is not compact and row-major on {}: copy it first", name,
                  cpu().name());
    }
    named.push_back({name,
                     tensor.dtype().value(),
                     tensor.shape(),
                     {static_cast<const std::byte*>(tensor.raw_data()), tensor.num_bytes()}});
  }
  write_safetensors(path, named);
}

}  // namespace dovetail
