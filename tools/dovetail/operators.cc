// dovetail operators
#include <fmt/core.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <tuple>

#include "commands.h"
#include "ops/op.h"

namespace dovetail::tool {
namespace {

using Json = nlohmann::ordered_json;

Json range(int min, int max) {
  return {{"min", min}, {"max", max == ops::kAnyNumber ? Json() : Json(max)}};
}

Json describe(const ops::OpDef& def) {
  Json dtypes = Json::array();
  for (int k = 0; k <= static_cast<int>(ir::DType::kBool); ++k) {
    const auto dtype = static_cast<ir::DType>(k);
    if (def.dtypes & ops::bit(dtype)) dtypes.push_back(ir::name_of(dtype));
  }
  Json attributes = Json::array();
  for (const ops::AttributeDef& attribute : def.attributes) attributes.push_back(attribute.name);
  return {{"domain", def.domain},
          {"name", def.name},
          {"since", def.since},
          {"until", def.until},
          {"inputs", range(def.inputs.min, def.inputs.max)},
          {"outputs", range(def.outputs.min, def.outputs.max)},
          {"dtypes", dtypes},
          {"attributes", attributes},
          {"limits", def.limits}};
}

// By domain, name and opset. A definition for each range of opsets that differ.
std::vector<const ops::OpDef*> sorted_ops() {
  std::vector<const ops::OpDef*> defs(ops::all_ops().begin(), ops::all_ops().end());
  std::sort(defs.begin(), defs.end(), [](const ops::OpDef* a, const ops::OpDef* b) {
    return std::tie(a->domain, a->name, a->since) < std::tie(b->domain, b->name, b->since);
  });
  return defs;
}

void run(bool json) {
  Json list = Json::array();
  for (const ops::OpDef* def : sorted_ops()) {
    if (json) {
      list.push_back(describe(*def));
      continue;
    }
    const std::string name = def->domain.empty() ? def->name : def->domain + "." + def->name;
    fmt::print("{:<28} opset {} to {}{}{}\n", name, def->since, def->until,
               def->limits.empty() ? "" : ": ", def->limits);
  }
  if (json) fmt::print("{}\n", list.dump(1));
}

}  // namespace

void add_operators(CLI::App& app) {
  CLI::App* command = app.add_subcommand("operators", "List the ONNX operators there are");
  auto json = std::make_shared<bool>(false);
  command->add_flag("--json", *json, "Print everything that is known of each, as one JSON array");
  command->callback([json] { run(*json); });
}

}  // namespace dovetail::tool
