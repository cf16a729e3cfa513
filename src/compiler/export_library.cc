#include <dovetail/compiler.h>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <span>

#include "base/error.h"
#include "base/files.h"
#include "codegen/codegen.h"
#include "compiler/compiled_model.h"
#include "compiler/descriptor.h"
#include "compiler/program.h"
#include "compiler/typed_header.h"
#include "export/export.h"

namespace dovetail {
namespace {

std::vector<ir::TensorData> values_of(const std::vector<TensorInfo>& tensors) {
  std::vector<ir::TensorData> values;
  for (const TensorInfo& tensor : tensors) values.push_back(tensor.value);
  return values;
}

// Where these lie in the weights that all models of the library share.
std::vector<int64_t> add_all(const std::vector<ir::TensorData>& tensors,
                             exporter::WeightsImage* image) {
  std::vector<int64_t> offsets;
  for (const ir::TensorData& tensor : tensors) offsets.push_back(image->add(tensor));
  return offsets;
}

void check_models(const std::vector<CompiledModel>& models) {
  if (models.empty()) throw_error(ErrorKind::kValue, "a library needs at least one model");
  std::set<std::string> names;
  for (const CompiledModel& model : models) {
    if (!names.insert(model.name()).second) {
      throw_error(ErrorKind::kValue,
                  "two models are named '{}': give each a name of its own (--name)", model.name());
    }
    if (model.data().target != models.front().data().target) {
      throw_error(ErrorKind::kValue,
                  "model '{}' is built for {}, model '{}' for {}: one library has one target",
                  models.front().name(), models.front().data().target->name, model.name(),
                  model.data().target->name);
    }
  }
}

void check_prefix(const std::string& prefix) {
  const auto allowed = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  };
  if (prefix.empty() || (prefix[0] >= '0' && prefix[0] <= '9') ||
      !std::all_of(prefix.begin(), prefix.end(), allowed)) {
    throw_error(ErrorKind::kValue, "prefix '{}' is not a C identifier", prefix);
  }
  if (prefix == "dv" || prefix == "dovetail") {
    throw_error(ErrorKind::kValue,
                "prefix '{}' is that of Dovetail's own names: give another (--prefix)", prefix);
  }
}

// The functions of a library. Equal ones stand in it once, whatever they are called.
class Functions {
 public:
  // The name of the function that is kept.
  std::string add(loop::Function function) {
    const auto [found, inserted] =
        names_.try_emplace(loop::to_string(function, /*with_name=*/false), function.name);
    if (inserted) functions_.push_back(std::move(function));
    return found->second;
  }
  // Kernels are called by name, and their names tell their content.
  void add_kernels(const std::vector<loop::Function>& kernels) {
    for (const loop::Function& kernel : kernels) kernels_.try_emplace(kernel.name, kernel);
  }
  void move_to(loop::Module* module) {
    for (loop::Function& function : functions_) module->functions.push_back(std::move(function));
    for (auto& [name, kernel] : kernels_) module->functions.push_back(std::move(kernel));
  }

 private:
  std::vector<loop::Function> functions_;
  std::map<std::string, std::string> names_;  // by text
  std::map<std::string, loop::Function> kernels_;
};

// Layout and run functions of every variant, and its kernels.
compiler::ModelCode generate(const CompiledModel::Data& model,
                             const std::vector<ModelVariant>& variants, Functions* functions) {
  compiler::ModelCode code{&model, {}, {}};
  std::vector<ir::Shape> outputs;
  for (const TensorInfo& output : model.outputs) outputs.push_back(output.type.shape);
  for (const ModelVariant& variant : variants) {
    const std::string suffix = model.name + "." + variant.level.name;
    compiler::Program program =
        compiler::make_program({.layout_name = "layout." + suffix,
                                .run_name = "run." + suffix,
                                .run_observed_name = "run_observed." + suffix,
                                .plan = &variant.plan,
                                .num_inputs = static_cast<int>(model.inputs.size()),
                                .dims = model.dims,
                                .outputs = outputs,
                                .kernels = &variant.kernels});
    functions->add_kernels(variant.kernels);
    const std::string observed = functions->add(*std::move(program.run_observed));
    code.variants.push_back({&variant, functions->add(std::move(program.layout)),
                             functions->add(std::move(program.run)), observed,
                             std::move(program.steps), program.num_values,
                             std::move(program.output_slots)});
  }
  return code;
}

// What a library without packaged params needs to prepare them.
compiler::PrepareCode generate_prepare(const CompiledModel::Data& model,
                                       exporter::WeightsImage* image, Functions* functions) {
  auto [program, kernels] =
      compiler::prepare_program(model.prepare, *model.target, "." + model.name);
  functions->add_kernels(kernels);
  return {functions->add(std::move(program.layout)), functions->add(std::move(program.run)),
          program.num_values, add_all(model.prepare.constants, image),
          add_all(values_of(model.frozen), image)};
}

// A model whose kernels know where their weights are.
struct LaidOut {
  std::vector<ModelVariant> variants;
  std::optional<compiler::PrepareCode> prepare;
};

LaidOut lay_out(const CompiledModel::Data& model, bool package_params,
                exporter::WeightsImage* image, Functions* functions) {
  LaidOut result{model.variants, {}};
  std::vector<int64_t> offsets = model.prepare.offsets;
  // A model without params has nothing to load later.
  if (package_params || model.params.empty()) {
    offsets = add_all(compiler::run_prepare(model.prepare, values_of(model.params)), image);
  } else {
    result.prepare = generate_prepare(model, image, functions);
  }
  for (ModelVariant& variant : result.variants) {
    for (ir::Buffer& buffer : variant.plan.buffers) {
      if (buffer.kind == ir::Buffer::Kind::kWeights) buffer.offset = offsets.at(buffer.index);
    }
  }
  return result;
}

}  // namespace

void export_library(const std::vector<CompiledModel>& models, const std::filesystem::path& output,
                    const ExportOptions& options) {
  exporter::check_suffix(output);
  check_models(models);
  const ir::TargetInfo& target = *models.front().data().target;
  const std::string prefix = options.prefix.empty() ? models.front().name() : options.prefix;
  check_prefix(prefix);
  if (!options.header.empty() && is_same_file(options.header, output)) {
    throw_error(ErrorKind::kValue,
                "the header {} would replace the library {}: give it another name",
                options.header.string(), output.string());
  }
  const bool shared = output.extension() == ".so";

  const auto timed = [&](std::string_view stage, const auto& work,
                         std::function<std::string()> text) {
    const auto begin = std::chrono::steady_clock::now();
    work();
    const std::chrono::duration<double, std::milli> time = std::chrono::steady_clock::now() - begin;
    if (options.on_stage) options.on_stage({stage, time.count(), std::move(text)});
  };

  exporter::WeightsImage weights;
  Functions functions;
  std::vector<LaidOut> laid_out;
  timed(
      "prepare",
      [&] {
        for (const CompiledModel& model : models)
          laid_out.push_back(lay_out(model.data(), options.package_params, &weights, &functions));
      },
      [] { return std::string(); });
  std::vector<compiler::ModelCode> codes;
  for (size_t m = 0; m < models.size(); ++m) {
    codes.push_back(generate(models[m].data(), laid_out[m].variants, &functions));
    codes.back().prepare = std::move(laid_out[m].prepare);
  }
  loop::Module module;
  functions.move_to(&module);

  compiler::LibraryNames names{
      .prefix = prefix,
      .weights_symbol = fmt::format("dovetail_weights_{:016x}", weights.hash()),
      .packed_functions = shared};
  const std::vector<std::string> exported =
      compiler::add_descriptor({&target, names, codes, weights.size()}, &module);

  exporter::LibraryJob job{.target = &target,
                           .objects = {},
                           .weights = &weights,
                           .weights_symbol = names.weights_symbol,
                           .exported = exported,
                           .output = output,
                           .fcompile = options.fcompile};
  timed(
      "codegen", [&] { job.objects = codegen::emit_objects(module, target); },
      [&] { return codegen::emit_assembly(module, target); });
  std::optional<AtomicFile> header;
  if (!options.header.empty()) {
    const std::string text = compiler::typed_header(codes, prefix);
    header.emplace(options.header).write(std::as_bytes(std::span(text)));
  }
  timed("link", [&] { exporter::write_library(job); }, [] { return std::string(); });
  if (header) header->commit();
}

}  // namespace dovetail
