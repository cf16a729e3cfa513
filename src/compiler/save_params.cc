#include <dovetail/compiler.h>

#include "base/safetensors.h"
#include "compiler/compiled_model.h"
#include "compiler/descriptor.h"

namespace dovetail {

void CompiledModel::save_params(const std::filesystem::path& path) const {
  std::vector<NamedTensor> tensors;
  for (const TensorInfo& param : data_->params) {
    tensors.push_back({param.name, compiler::abi_dtype(param.type.dtype), param.value.shape(),
                       param.value.bytes()});
  }
  write_safetensors(path, tensors);
}

}  // namespace dovetail
