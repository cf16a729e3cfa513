#include "base/error.h"
#include "ir/evaluate_primitives.h"

namespace dovetail::ir {
namespace {

// What the iterations gave for one scan, stacked; `type` tells the shape when there were none.
TensorData stacked(const Tensors& parts, const TensorType& type, SymbolValues symbols) {
  std::vector<int64_t> shape{static_cast<int64_t>(parts.size())};
  if (parts.empty()) {
    for (int i = 1; i < type.rank(); ++i) {
      for (const std::string& name : type.shape[i].symbols()) symbols.emplace(name, 0);
      shape.push_back(type.shape[i].evaluate(symbols));
    }
    return {type.dtype, std::move(shape), std::vector<std::byte>()};
  }
  shape.insert(shape.end(), parts[0].shape().begin(), parts[0].shape().end());
  std::vector<std::byte> bytes;
  for (const TensorData& part : parts) {
    if (part.shape() != parts[0].shape()) {
      throw_error(ErrorKind::kValue, "an iteration gives a scan output of another shape");
    }
    bytes.insert(bytes.end(), part.bytes().begin(), part.bytes().end());
  }
  return {type.dtype, std::move(shape), std::move(bytes)};
}

}  // namespace

Tensors evaluate_if(const If& op, const Tensors& x, const SymbolValues& symbols,
                    const RunGraph& run) {
  const Graph& body = x.at(0).as_int(0) != 0 ? *op.then_body : *op.else_body;
  return run(body, Tensors(x.begin() + 1, x.end()), symbols);
}

Tensors evaluate_loop(const Loop& op, const Tensors& x, const SymbolValues& symbols,
                      const RunGraph& run) {
  const auto first = x.begin() + (op.has_condition ? 1 : 0);
  Tensors inputs(first, x.end());
  inputs.insert(inputs.begin(), TensorData());
  const int64_t trips = op.trips ? op.trips->evaluate(symbols) : INT64_MAX;
  bool goes_on = !op.has_condition || x.at(0).as_int(0) != 0;
  std::vector<Tensors> scans(op.scans);
  for (int64_t i = 0; i < trips && goes_on; ++i) {
    SymbolValues inside = symbols;
    for (const std::string& name : op.symbols) inside.erase(name);
    inside[op.iteration] = i;
    inputs[0] = TensorData::of(DType::kI64, {}, std::vector<int64_t>{i});
    Tensors outputs = run(*op.body, inputs, std::move(inside));
    auto output = outputs.begin();
    if (op.has_condition) goes_on = (output++)->as_int(0) != 0;
    for (int s = 0; s < op.states; ++s) inputs[1 + s] = std::move(*output++);
    for (Tensors& scan : scans) scan.push_back(std::move(*output++));
  }
  Tensors results(inputs.begin() + 1, inputs.begin() + 1 + op.states);
  for (int k = 0; k < op.scans; ++k) {
    results.push_back(stacked(scans[k], op.types[op.states + k], symbols));
  }
  return results;
}

}  // namespace dovetail::ir
