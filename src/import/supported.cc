#include "import/supported.h"

#include <algorithm>
#include <map>

#include "base/error.h"
#include "ops/op.h"

namespace dovetail::import {
namespace {

// What is wrong with an operator: "from opset 14 on" when only its version is.
std::string reason(const std::string& domain, const std::string& name, int opset) {
  int first = INT32_MAX;
  for (const ops::OpDef* def : ops::all_ops()) {
    if (def->name == name && def->domain == domain) first = std::min(first, def->since);
  }
  if (first == INT32_MAX) return "";
  if (opset >= first) return fmt::format(", not in opset {}", opset);
  if (domain.empty() && opset < ops::kMinOpset) {
    return fmt::format(
        ", the model asks for opset {}: convert it to {} with onnx.version_converter", opset,
        ops::kMinOpset);
  }
  return fmt::format(", exists from opset {} on, the model asks for {}", first, opset);
}

}  // namespace

int opset_of(const Node& node) {
  const auto found = node.opsets->find(domain_of(node.proto->domain()));
  return found == node.opsets->end() ? 0 : found->second;
}

void require_supported(const std::vector<Node>& nodes, const std::string& file) {
  std::map<std::string, std::pair<std::string, std::vector<std::string>>> missing;
  for (const Node& node : nodes) {
    const std::string domain = domain_of(node.proto->domain());
    const std::string& name = node.proto->op_type();
    const int opset = opset_of(node);
    if (ops::find_op(domain, name, opset)) continue;
    auto& entry = missing[domain.empty() ? name : domain + "." + name];
    entry.first = reason(domain, name, opset);
    entry.second.push_back(node.name);
  }
  if (missing.empty()) return;
  std::string text;
  for (const auto& [name, entry] : missing) {
    text += fmt::format("\n  {} ({} node{}{}): ", name, entry.second.size(),
                        entry.second.size() == 1 ? "" : "s", entry.first);
    for (size_t i = 0; i < entry.second.size(); ++i) text += (i ? ", " : "") + entry.second[i];
  }
  throw_error(ErrorKind::kUnsupported, "{}: {} operator{} not supported by this version:{}", file,
              missing.size(), missing.size() == 1 ? " is" : "s are", text);
}

}  // namespace dovetail::import
