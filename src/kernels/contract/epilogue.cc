#include "kernels/contract/epilogue.h"

#include "kernels/scalar/scalar_code.h"

namespace dovetail::kernels {

using ir::DType;
using loop::Value;

Value Epilogue::load(int operand, const Value& at, const Columns& columns) const {
  const DType dtype = contraction_.dtypes[operand];
  if (!contraction_.per_column[operand]) {
    const Value one = code_.load(loop::scalar(dtype), at, code_.constant(int64_t{0}));
    return code_.broadcast(one, columns.lanes);
  }
  const loop::Type type = loop::vector(dtype, columns.lanes);
  const Value offset = code_.element(columns.first, dtype);
  return columns.count.valid() ? code_.load_masked(type, at, offset, columns.count)
                               : code_.load(type, at, offset);
}

std::vector<Value> Epilogue::load_shared(const std::vector<Value>& tensors,
                                         const Columns& columns) const {
  std::vector<Value> shared(tensors.size());
  for (int operand = 2; operand < contraction_.result(); ++operand) {
    if (!moves_[operand]) shared[operand] = load(operand, tensors[operand], columns);
  }
  return shared;
}

void Epilogue::store(const Value& sum, const std::vector<Value>& shared,
                     const std::vector<Value>& tensors, const Columns& columns) const {
  const int result = contraction_.result();
  Value value = code_.cast(sum, contraction_.dtype);
  if (contraction_.epilogue) {
    std::vector<Value> operands = {value};
    for (int operand = 2; operand < result; ++operand) {
      const bool known = shared[operand].valid();
      operands.push_back(known ? shared[operand] : load(operand, tensors[operand], columns));
    }
    value = emit_scalar(code_, *contraction_.epilogue, operands, columns.lanes);
  }
  const Value offset = code_.element(columns.first, contraction_.dtypes[result]);
  if (columns.count.valid()) {
    code_.store_masked(value, tensors[result], offset, columns.count);
  } else {
    code_.store(value, tensors[result], offset);
  }
}

}  // namespace dovetail::kernels
