#include "import/scope.h"

#include <algorithm>

#include "ir/regions.h"
#include "ops/lowering/context.h"

namespace dovetail::import {

using ir::Value;

bool Scope::knows(const std::string& name) const {
  return values_.contains(name) || (outer_ && outer_->knows(name));
}

Value* Scope::find(const std::string& name) {
  const auto found = values_.find(name);
  if (found != values_.end()) return found->second;
  if (!outer_) return nullptr;
  Value* value = outer_->find(name);
  if (!value || &outer_->graph_ == &graph_) return value;
  return values_[name] = capture(value);
}

Value* Scope::capture(Value* value) {
  const auto found = here_.find(value);
  if (found != here_.end()) return found->second;
  if (follows_from_params(value)) return repeat(value);
  // What is known of its content may shape code in here.
  if (value->elements) ops::freeze(outer_->graph_, value);
  Value* input = graph_.input(value->name.empty() ? path_ + "input" : value->name, value->type);
  input->elements = value->elements;
  input->measured = value->measured;
  captured_.push_back(value);
  return here_[value] = input;
}

bool Scope::follows_from_params(const Value* value) {
  const auto found = from_params_.find(value);
  if (found != from_params_.end()) return found->second;
  const ir::Node& node = *value->node;
  const bool fixed = !node.as<ir::Input>() && node.results.size() == 1 &&
                     !ir::defines_symbols(node) && ir::used_symbols(node).empty();
  const bool follows = fixed && std::all_of(node.operands.begin(), node.operands.end(),
                                            [&](const Value* v) { return follows_from_params(v); });
  return from_params_[value] = follows;
}

Value* Scope::repeat(const Value* value) {
  const auto found = here_.find(value);
  if (found != here_.end()) return found->second;
  const ir::Node& node = *value->node;
  std::vector<Value*> operands;
  for (const Value* operand : node.operands) operands.push_back(repeat(operand));
  ir::Node* copy = graph_.add(node.op, std::move(operands));
  copy->origins = node.origins;
  Value* result = copy->result();
  result->name = value->name;
  result->elements = value->elements;
  return here_[value] = result;
}

}  // namespace dovetail::import
