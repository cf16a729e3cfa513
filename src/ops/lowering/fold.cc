#include "ops/lowering/fold.h"

#include <unordered_map>

#include "base/error.h"
#include "ir/evaluate.h"
#include "ir/regions.h"

namespace dovetail::ops {
namespace {

constexpr int64_t kMaxElements = 4096;
constexpr int kMaxNodes = 256;

class Folder {
 public:
  std::optional<ir::TensorData> fold(const ir::Value* value) {
    const auto known = known_.find(value);
    if (known != known_.end()) return known->second;
    return known_[value] = compute(value);
  }

 private:
  static bool small(const ir::Value* value) {
    const ir::Dim count = ir::element_count(value->shape());
    return count.is_constant() && count.value() <= kMaxElements;
  }

  std::optional<ir::TensorData> compute(const ir::Value* value) {
    const ir::Node& node = *value->node;
    if (const auto* constant = node.as<ir::Constant>()) return constant->data;
    if (const auto* param = node.as<ir::Param>()) return param->data;
    if (node.as<ir::Input>() || node.results.size() != 1 || !small(value)) return std::nullopt;
    if (++nodes_ > kMaxNodes) return std::nullopt;
    std::vector<ir::TensorData> operands;
    for (const ir::Value* operand : node.operands) {
      if (!small(operand)) return std::nullopt;
      auto data = fold(operand);
      if (!data) return std::nullopt;
      operands.push_back(*std::move(data));
    }
    if (!ir::used_symbols(node).empty()) return std::nullopt;
    return ir::evaluate(node, operands).front();
  }

  std::unordered_map<const ir::Value*, std::optional<ir::TensorData>> known_;
  int nodes_ = 0;
};

}  // namespace

std::optional<ir::TensorData> folded(const ir::Value* value) { return Folder().fold(value); }

}  // namespace dovetail::ops
