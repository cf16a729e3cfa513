#include "kernels/lookup/items.h"

#include <algorithm>

namespace dovetail::kernels::lookup {

using ir::Dim;
using ir::DType;
using ir::ScalarNode;
using ir::ScalarOp;

Items::Items(const Request& request, const ir::Shape& domain) : request_(request), domain_(domain) {
  for (int i = 0; i < static_cast<int>(domain.size()); ++i) {
    if (domain[i] != Dim(1)) axes_.push_back(i);
  }
}

const Layout& Items::tensor(int t) const {
  const auto index = static_cast<size_t>(t);
  const size_t operands = request_.operands.size();
  return index < operands ? request_.operands[index] : request_.results[index - operands];
}

bool Items::may_be_empty(int t) const {
  const ir::Shape& shape = tensor(t).shape;
  return std::any_of(shape.begin(), shape.end(),
                     [&](const Dim& extent) { return extent.bounds(request_.symbols).min < 1; });
}

bool Items::is_zero(int item) const {
  const ScalarNode& node = items_[item].node;
  return items_[item].kind == Item::Kind::kScalar && node.op == ScalarOp::kConstant &&
         !ir::is_float(node.dtype) && std::get<int64_t>(node.constant) == 0;
}

int Items::append(Item item) {
  for (const int argument : item.arguments) {
    if (argument >= 0) item.level = std::max(item.level, items_[argument].level);
  }
  const auto found = std::find(items_.begin(), items_.end(), item);
  if (found != items_.end()) return static_cast<int>(found - items_.begin());
  items_.push_back(std::move(item));
  runs_.emplace_back();
  return size() - 1;
}

int Items::sum(const std::vector<int>& terms) {
  if (terms.empty()) return -1;
  if (terms.size() == 1) return terms[0];
  return append({.kind = Item::Kind::kSum, .arguments = terms});
}

int Items::index(int domain_axis) {
  const auto at = std::find(axes_.begin(), axes_.end(), domain_axis);
  if (at == axes_.end())
    return append({.node = {ScalarOp::kConstant, DType::kI64, {}, 0, int64_t{0}}});
  const auto behind = axes_.end() - at;
  const Level level = behind == 1 ? Level::kElement : behind == 2 ? Level::kRow : Level::kOuter;
  return append({.kind = Item::Kind::kIndex, .level = level, .axis = domain_axis});
}

int Items::add(const ir::ScalarExpr& expr) {
  std::vector<int> moved;
  for (const ScalarNode& node : expr.nodes) {
    std::vector<int> arguments;
    for (const int argument : node.arguments) arguments.push_back(moved[argument]);
    if (node.op == ScalarOp::kIndex) {
      moved.push_back(index(node.index));
    } else if (node.op == ScalarOp::kDim) {
      moved.push_back(append({.kind = Item::Kind::kDim, .axis = node.index}));
    } else if (node.op == ScalarOp::kLoad) {
      moved.push_back(load(node.index, arguments));
    } else {
      ScalarNode operation = node;
      operation.arguments.clear();
      moved.push_back(append(
          {.dtype = node.dtype, .arguments = std::move(arguments), .node = std::move(operation)}));
    }
  }
  return moved.back();
}

// A coordinate that is the position along an axis of the same extent needs no clamp.
std::vector<int> Items::terms(int t, const std::vector<int>& coordinates, bool clamped) {
  std::vector<int> result;
  for (size_t i = 0; i < coordinates.size(); ++i) {
    const Item& at = items_[coordinates[i]];
    const Dim& extent = tensor(t).shape[i];
    if (is_zero(coordinates[i]) || extent == Dim(1)) continue;
    const bool inside = at.kind == Item::Kind::kIndex && domain_[at.axis] == extent;
    result.push_back(append({.kind = Item::Kind::kTerm,
                             .arguments = {coordinates[i]},
                             .tensor = t,
                             .axis = static_cast<int>(i),
                             .clamped = clamped && !inside}));
  }
  return result;
}

// Terms are added up where they start to vary.
int Items::join_row_terms(const std::vector<int>& terms) {
  int total = -1;
  for (const Level level : {Level::kCall, Level::kOuter, Level::kRow}) {
    std::vector<int> parts;
    if (total >= 0) parts.push_back(total);
    for (const int term : terms) {
      if (items_[term].level == level) parts.push_back(term);
    }
    total = sum(parts);
  }
  return total;
}

int Items::row_offset(int t, const std::vector<int>& coordinates) {
  return join_row_terms(terms(t, coordinates, false));
}

std::vector<int> Items::varying_terms(int t, const std::vector<int>& coordinates) {
  std::vector<int> result = terms(t, coordinates, false);
  std::erase_if(result, [&](int term) { return items_[term].level != Level::kElement; });
  return result;
}

int Items::load(int t, const std::vector<int>& coordinates) {
  std::vector<int> varying = terms(t, coordinates, true);
  std::vector<int> arguments{join_row_terms(varying)};
  for (const int term : varying) {
    if (items_[term].level == Level::kElement) arguments.push_back(term);
  }
  const auto run = run_of(t, coordinates);
  const int item = append({.kind = Item::Kind::kLoad,
                           .dtype = tensor(t).dtype,
                           .arguments = std::move(arguments),
                           .tensor = t});
  runs_[item] = run;
  return item;
}

bool Items::find_shift(int item, int* shift) {
  const Item& at = items_[item];
  if (at.kind == Item::Kind::kIndex && at.level == Level::kElement) {
    *shift = -1;
    return true;
  }
  if (at.kind != Item::Kind::kScalar || at.level != Level::kElement) return false;
  const std::vector<int> arguments = at.arguments;
  const ScalarOp op = at.node.op;
  if (op != ScalarOp::kAdd && op != ScalarOp::kSub) return false;
  const bool first_varies = items_[arguments[0]].level == Level::kElement;
  if (op == ScalarOp::kSub && !first_varies) return false;
  const int varying = arguments[first_varies ? 0 : 1];
  int other = arguments[first_varies ? 1 : 0];
  if (items_[other].level == Level::kElement || !find_shift(varying, shift)) return false;
  if (op == ScalarOp::kSub) {
    other =
        append({.arguments = {other}, .node = {ScalarOp::kNeg, DType::kI64, {}, 0, int64_t{0}}});
  }
  *shift = *shift < 0 ? other : sum({*shift, other});
  return true;
}

int Items::repeat_of(int item) const {
  const Item& at = items_[item];
  if (at.kind != Item::Kind::kScalar || at.node.op != ScalarOp::kDiv) return 1;
  const Item& divisor = items_[at.arguments[1]];
  if (items_[at.arguments[0]].kind != Item::Kind::kIndex ||
      divisor.node.op != ScalarOp::kConstant || divisor.kind != Item::Kind::kScalar)
    return 1;
  const int64_t value = std::get<int64_t>(divisor.node.constant);
  return value == 2 || value == 4 ? static_cast<int>(value) : 1;
}

std::optional<Run> Items::run_of(int t, const std::vector<int>& coordinates) {
  std::optional<Run> run;
  for (size_t i = 0; i < coordinates.size(); ++i) {
    if (items_[coordinates[i]].level != Level::kElement) continue;
    if (tensor(t).shape[i] == Dim(1)) continue;
    Run found{.axis = static_cast<int>(i), .repeat = repeat_of(coordinates[i])};
    const bool repeats =
        found.repeat > 1 && domain_[axes_.back()] == tensor(t).shape[i] * Dim(found.repeat);
    if (!repeats && !find_shift(coordinates[i], &found.shift)) return std::nullopt;
    if (run || tensor(t).strides[i] != Dim(1)) return std::nullopt;
    run = found;
  }
  return run;
}

bool Items::covers(int t, const Run& run) const {
  return run.repeat > 1 || (run.shift < 0 && tensor(t).shape[run.axis] == domain_[axes_.back()]);
}

}  // namespace dovetail::kernels::lookup
