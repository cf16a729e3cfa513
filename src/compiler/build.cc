#include <dovetail/compiler.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <set>

#include "base/error.h"
#include "compiler/compiled_model.h"
#include "compiler/lower.h"
#include "compiler/place.h"
#include "compiler/prepare.h"
#include "import/import.h"
#include "ir/regions.h"
#include "passes/channels_last.h"
#include "passes/fold_weights.h"
#include "passes/fuse.h"
#include "passes/hoist_prepared.h"
#include "passes/pack.h"
#include "passes/simplify.h"
#include "passes/split_phases.h"
#include "passes/split_prepare.h"
#include "passes/unify_extents.h"
#include "passes/winograd.h"

namespace dovetail {
namespace {

using ir::Graph;

// Tells the observer about each stage. The text is made only when it is asked for. Errors name the
// file; those of the import do so themselves.
class Stages {
 public:
  Stages(const BuildOptions& options, std::string file)
      : on_stage_(options.on_stage), file_(std::move(file)) {}

  template <class Work, class Text>
  auto operator()(std::string_view name, const Work& work, const Text& text) {
    const auto begin = std::chrono::steady_clock::now();
    if constexpr (std::is_void_v<decltype(work())>) {
      named(name, work);
      report(name, begin, [&] { return text(); });
    } else {
      auto result = named(name, work);
      report(name, begin, [&] { return text(result); });
      return result;
    }
  }

 private:
  template <class Work>
  auto named(std::string_view name, const Work& work) const {
    try {
      return work();
    } catch (const Error& error) {
      if (name == "import") throw;
      throw_error(error.kind(), "{}: {}", file_, error.what());
    }
  }

  void report(std::string_view name, std::chrono::steady_clock::time_point begin,
              const std::function<std::string()>& text) const {
    if (!on_stage_) return;
    const std::chrono::duration<double, std::milli> time = std::chrono::steady_clock::now() - begin;
    on_stage_({name, time.count(), text});
  }

  std::function<void(const Stage&)> on_stage_;
  std::string file_;
};

std::string model_name(const std::filesystem::path& onnx, const BuildOptions& options) {
  std::string name = options.name.empty() ? onnx.stem().string() : options.name;
  for (char& c : name) {
    const bool allowed =
        (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    if (allowed) continue;
    if (!options.name.empty()) {
      throw_error(ErrorKind::kValue,
                  "model name '{}' holds '{}': only letters, digits and _ are allowed",
                  options.name, c);
    }
    c = '_';
  }
  if (name.empty() || (name[0] >= '0' && name[0] <= '9')) name.insert(0, "_");
  return name;
}

std::vector<ir::CpuLevel> cpu_levels(const ir::TargetInfo& target, const Target& wanted) {
  std::vector<std::string> names = wanted.cpus;
  if (names.empty()) {
    names.push_back(target.name == ir::host_target().name ? "native" : ir::baseline(target).name);
  }
  std::vector<ir::CpuLevel> levels;
  for (const std::string& name : names) {
    ir::CpuLevel level = ir::cpu_level(target, name);
    const auto equal = [&](const ir::CpuLevel& other) { return other.name == level.name; };
    if (std::none_of(levels.begin(), levels.end(), equal)) levels.push_back(std::move(level));
  }
  // The executor takes the first variant that the machine can run.
  std::stable_sort(levels.begin(), levels.end(), [](const ir::CpuLevel& a, const ir::CpuLevel& b) {
    return __builtin_popcountll(a.features) > __builtin_popcountll(b.features);
  });
  return levels;
}

int largest_winograd_tile(Accuracy accuracy) {
  switch (accuracy) {
    case Accuracy::kStrict:
      return 0;
    case Accuracy::kAccurate:
      return 2;
    case Accuracy::kFast:
      return 4;
  }
  throw_error(ErrorKind::kValue, "BuildOptions::accuracy holds {}, which is no Accuracy",
              static_cast<int>(accuracy));
}

bool is_same(const ir::TensorData& a, const ir::TensorData& b) {
  if (a.dtype() != b.dtype() || a.shape() != b.shape()) return false;
  return a.bytes().data() == b.bytes().data() || std::ranges::equal(a.bytes(), b.bytes());
}

void describe(Graph& graph, const std::string& file, CompiledModel::Data* model) {
  std::set<std::string> seen;
  for (const ir::Value* input : graph.inputs) {
    model->inputs.push_back({input->name, input->type});
    for (const ir::Dim& extent : input->shape()) {
      for (const std::string& symbol : extent.symbols()) {
        if (seen.insert(symbol).second) model->dims.push_back(symbol);
      }
    }
  }
  std::map<std::string, ir::TensorData> params;  // one may be read in several bodies
  ir::for_each_graph(graph, [&](Graph& each) {
    model->operators.merge(each.operators);
    for (const auto& node : each.nodes()) {
      const auto* param = node->as<ir::Param>();
      if (!param || graph.frozen.contains(param->name)) continue;
      const auto [known, added] = params.try_emplace(param->name, param->data);
      if (added) model->params.push_back({param->name, node->result()->type, param->data});
      if (!is_same(known->second, param->data)) {
        throw_error(ErrorKind::kValue, "{}: two weights are called '{}': rename one", file,
                    param->name);
      }
    }
  });
  for (const auto& [name, value] : graph.frozen) {
    const ir::Shape shape(value.shape().begin(), value.shape().end());
    model->frozen.push_back({name, {value.dtype(), shape}, value});
  }
  for (size_t k = 0; k < graph.outputs.size(); ++k) {
    model->outputs.push_back({graph.output_names[k], graph.outputs[k]->type});
  }
  model->bounds = graph.symbols;
}

std::string text_of(const std::vector<ModelVariant>& variants) {
  std::string text;
  for (const ModelVariant& variant : variants) {
    for (const loop::Function& kernel : variant.kernels) text += loop::to_string(kernel) + "\n";
  }
  return text;
}

}  // namespace

const std::string& CompiledModel::name() const { return data_->name; }

std::vector<std::string> stage_names() {
  return {"import",       "simplify", "channels_last", "fold_weights",  "fuse",
          "split_phases", "winograd", "pack",          "split_prepare", "place",
          "lower",        "prepare",  "codegen",       "link"};
}

std::vector<std::string> accuracy_names() { return {"strict", "accurate", "fast"}; }

std::vector<std::string> target_names() {
  std::vector<std::string> names;
  for (const ir::TargetInfo& target : ir::targets()) names.emplace_back(target.name);
  return names;
}

// The main path: an ONNX file becomes plans, kernels and prepared params.
CompiledModel build(const std::filesystem::path& onnx, const BuildOptions& options) {
  Stages stage(options, onnx.string());
  auto model = std::make_shared<CompiledModel::Data>();
  model->name = model_name(onnx, options);
  model->target =
      options.target.name.empty() ? &ir::host_target() : &ir::target_named(options.target.name);
  const std::vector<ir::CpuLevel> levels = cpu_levels(*model->target, options.target);

  // ONNX operators become primitives; shapes are inferred, and shape arithmetic is folded, as each
  // node is made.
  const std::shared_ptr<Graph> graph = stage(
      "import",
      [&] {
        return import::import_onnx(onnx, {options.input_shapes, options.dims, options.on_warning});
      },
      [](const auto& g) { return ir::to_string(*g); });
  const auto graph_text = [&] { return ir::to_string(*graph); };
  // What callers see of the model is settled here: names, shapes and params as in the file.
  describe(*graph, onnx.string(), model.get());

  // Bodies of If and Loop are graphs like any other: what follows happens in each.
  const auto everywhere = [&](const std::function<void(Graph&)>& pass) {
    ir::for_each_graph(*graph, pass);
  };
  // Canonical form: nothing constant is computed at run time, no node is equal to another or
  // unused.
  stage(
      "simplify",
      [&] {
        passes::unify_extents(*graph);
        everywhere(passes::simplify);
      },
      graph_text);
  // Activations become channels-last rows; permutes remain at the model's borders only.
  stage(
      "channels_last",
      [&] {
        everywhere(passes::channels_last);
        everywhere(passes::simplify);
      },
      graph_text);
  // Batch normalisation and other affine maps per channel go into weights and bias.
  stage(
      "fold_weights",
      [&] {
        everywhere(passes::fold_weights);
        everywhere(passes::simplify);
      },
      graph_text);
  // One node per kernel from here on.
  stage("fuse", [&] { everywhere(passes::fuse); }, graph_text);
  // Transposed convolutions become dense ones that skip the zeros.
  stage("split_phases", [&] { everywhere(passes::split_phases); }, graph_text);
  // Convolutions that fewer products can compute get transformed weights.
  const int tile = largest_winograd_tile(options.accuracy);
  stage("winograd", [&] { everywhere([&](Graph& g) { passes::winograd(g, tile); }); }, graph_text);
  // Weights take the panel layout that every CPU level of the family reads.
  stage(
      "pack",
      [&] {
        const int panel = ir::panel_width(model->target->family);
        ir::for_each_graph(*graph, [&](Graph& each) { passes::pack(each, panel); });
        everywhere(passes::simplify);
      },
      graph_text);
  // What params alone decide leaves the model: it is computed when they are known, by
  // export_library() or by the library itself.
  passes::Split split;
  stage(
      "split_prepare",
      [&] {
        passes::hoist_prepared(*graph);
        split = passes::split_prepare(*graph);
      },
      [&] { return ir::to_string(*split.prepare) + ir::to_string(*graph); });
  ir::verify(*graph);

  // Every value gets its memory, every node its kernels, once for each CPU level.
  compiler::Placed placed;
  stage(
      "place",
      [&] {
        placed = compiler::place(*graph);
        std::vector<std::string> params;
        for (const TensorInfo& param : model->params) params.push_back(param.name);
        model->prepare = compiler::place_prepare(split, params);
      },
      graph_text);
  stage(
      "lower",
      [&] {
        for (const ir::CpuLevel& level : levels) {
          compiler::KernelSet kernels;
          ir::Plan plan = compiler::lower(*graph, placed, {.level = &level}, &kernels);
          model->variants.push_back({level, std::move(plan), kernels.functions()});
        }
      },
      [&] { return text_of(model->variants); });
  return CompiledModel(std::move(model));
}

}  // namespace dovetail
