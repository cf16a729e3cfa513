// dovetail inspect LIB
#include <dovetail/runtime.h>
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "commands.h"

namespace dovetail::tool {
namespace {

using Json = nlohmann::ordered_json;

Json shape_of(const dv_tensor_info& info) {
  Json shape = Json::array();
  for (int32_t axis = 0; axis < info.ndim; ++axis) {
    const dv_dim& dim = info.shape[axis];
    shape.push_back(dim.value >= 0 ? Json(dim.value) : Json(dim.text));
  }
  return shape;
}

Json tensors(const dv_tensor_info* infos, int32_t count) {
  Json list = Json::array();
  for (int32_t k = 0; k < count; ++k) {
    list.push_back({{"name", infos[k].name},
                    {"dtype", DType(infos[k].dtype).name()},
                    {"shape", shape_of(infos[k])}});
  }
  return list;
}

// By name; max is null where there is no bound.
Json dims(const dv_model& model) {
  Json object = Json::object();
  for (int32_t d = 0; d < model.num_dims; ++d) {
    const dv_symbol& symbol = model.dims[d];
    object[symbol.name] = {{"min", symbol.min},
                           {"max", symbol.max == INT64_MAX ? Json() : Json(symbol.max)}};
  }
  return object;
}

Json describe(const dv_library& library) {
  Json models = Json::array();
  Json cpus = Json::array();
  for (uint64_t m = 0; m < library.num_models; ++m) {
    const dv_model& model = *library.models[m];
    models.push_back({{"name", model.name},
                      {"inputs", tensors(model.inputs, model.num_inputs)},
                      {"outputs", tensors(model.outputs, model.num_outputs)},
                      {"dims", dims(model)},
                      {"params", tensors(model.params, model.num_params)},
                      {"frozen", tensors(model.frozen, model.num_frozen)},
                      {"packaged", model.prepare == nullptr}});
    for (int32_t v = 0; v < model.num_variants; ++v) {
      const Json cpu = model.variants[v].cpu;
      if (std::find(cpus.begin(), cpus.end(), cpu) == cpus.end()) cpus.push_back(cpu);
    }
  }
  return {{"abi", library.abi_version},
          {"target", library.target},
          {"cpus", cpus},
          {"default", library.models[0]->name},
          {"models", models}};
}

void print_tensors(const char* title, const Json& list) {
  for (const Json& tensor : list) {
    std::string shape;
    for (const Json& extent : tensor["shape"]) {
      shape += (shape.empty() ? "" : ", ") +
               (extent.is_string() ? extent.get<std::string>() : extent.dump());
    }
    fmt::print("  {:<7} {} {} ({})\n", title, tensor["name"].get<std::string>(),
               tensor["dtype"].get<std::string>(), shape);
  }
}

void print_text(const Json& library) {
  fmt::print("{} library, ABI {}, for {}\n", library["target"].get<std::string>(),
             library["abi"].get<int>(),
             fmt::join(library["cpus"].get<std::vector<std::string>>(), ", "));
  for (const Json& model : library["models"]) {
    fmt::print("model {}{}\n", model["name"].get<std::string>(),
               model["name"] == library["default"] ? " (default)" : "");
    print_tensors("input", model["inputs"]);
    print_tensors("output", model["outputs"]);
    for (const auto& [name, bounds] : model["dims"].items()) {
      fmt::print("  dim     {} from {}{}\n", name, bounds["min"].dump(),
                 bounds["max"].is_null() ? std::string() : " to " + bounds["max"].dump());
    }
    fmt::print("  {} params{}, {} frozen values\n", model["params"].size(),
               model["packaged"].get<bool>() ? "" : " to be loaded", model["frozen"].size());
  }
}

void run(const std::string& path, bool json) {
  const Module library = Module::load(path);
  const Json description = describe(*library.library());
  if (json) {
    fmt::print("{}\n", description.dump());
  } else {
    print_text(description);
  }
}

}  // namespace

void add_inspect(CLI::App& app) {
  struct Options {
    std::string library;
    bool json = false;
  };
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("inspect", "Tell what is in a library");
  command->add_option("LIB", options->library, "The exported library")->required();
  command->add_flag("--json", options->json, "Print one JSON object");
  command->callback([options] { run(options->library, options->json); });
}

}  // namespace dovetail::tool
