#include "model_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/error.h"
#include "import/import.h"

namespace dovetail::tool {
namespace {

using Names = std::vector<std::string>;

bool contains(const Names& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// What the models have, for the message: "a.onnx has: x, y; b.onnx has: none".
std::string list(const Names& models, const std::vector<Names>& known) {
  std::string text;
  for (size_t m = 0; m < models.size(); ++m) {
    text += fmt::format("{}{} has: {}", m == 0 ? "" : "; ", models[m],
                        known[m].empty() ? "none" : fmt::format("{}", fmt::join(known[m], ", ")));
  }
  return text;
}

// Drops from each model's map what the model does not know.
template <class Map>
void keep_known(const char* option, const char* what, const Names& models,
                const std::vector<Names>& known, std::vector<Map*> given) {
  std::set<std::string> unknown;
  for (const auto& [name, value] : *given.front()) unknown.insert(name);
  for (size_t m = 0; m < models.size(); ++m) {
    for (const std::string& name : known[m]) unknown.erase(name);
    std::erase_if(*given[m], [&](const auto& entry) { return !contains(known[m], entry.first); });
  }
  if (unknown.empty()) return;
  throw_error(ErrorKind::kKey, "{} {}: no model has such {}; {}", option, *unknown.begin(), what,
              list(models, known));
}

}  // namespace

std::vector<BuildOptions> options_of_each(const std::vector<std::string>& models,
                                          const BuildOptions& shared) {
  std::vector<BuildOptions> each(models.size(), shared);
  if (models.size() == 1) return each;
  std::vector<Names> inputs, dims;
  std::vector<decltype(BuildOptions::input_shapes)*> shapes_given;
  std::vector<decltype(BuildOptions::dims)*> dims_given;
  for (size_t m = 0; m < models.size(); ++m) {
    import::Interface interface = import::read_interface(models[m]);
    inputs.push_back(std::move(interface.inputs));
    dims.push_back(std::move(interface.dims));
    shapes_given.push_back(&each[m].input_shapes);
    dims_given.push_back(&each[m].dims);
  }
  keep_known("--shape", "an input", models, inputs, shapes_given);
  for (size_t m = 0; m < models.size(); ++m) {  // --shape may name dimensions anew
    for (const auto& [input, shape] : each[m].input_shapes) {
      for (const Extent& extent : shape) {
        const auto* name = std::get_if<std::string>(&extent);
        if (name && !contains(dims[m], *name)) dims[m].push_back(*name);
      }
    }
  }
  keep_known("--dim", "a dimension", models, dims, dims_given);
  return each;
}

}  // namespace dovetail::tool
