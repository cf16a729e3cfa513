// dovetail build MODEL.onnx... -o LIB
#include <dovetail/compiler.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <memory>

#include "base/error.h"
#include "base/files.h"
#include "commands.h"
#include "export/export.h"
#include "fcompile.h"
#include "import/import.h"
#include "model_options.h"

namespace dovetail::tool {
namespace {

struct Options {
  std::string output, prefix, target, header, dump, fcompile, accuracy = "fast";
  std::vector<std::string> models, names, params_out, cpus, shapes, dims;
  bool no_params = false, time = false;
};

// "1x3x224x224" or "1,3,224,224"; an extent that is no number is the name of a dimension that stays
// symbolic (one that holds an x needs commas).
std::vector<Extent> parse_shape(const std::string& text) {
  std::vector<Extent> shape;
  if (text.empty()) return shape;
  const char separator = text.find(',') == std::string::npos ? 'x' : ',';
  size_t begin = 0;
  while (begin <= text.size()) {
    const size_t end = std::min(text.find(separator, begin), text.size());
    const std::string extent = text.substr(begin, end - begin);
    if (extent.empty()) throw_error(ErrorKind::kValue, "--shape: '{}' has an empty extent", text);
    const bool number = extent[0] == '-' || (extent[0] >= '0' && extent[0] <= '9');
    if (number) {
      shape.emplace_back(parse_extent("--shape", extent));
    } else {
      shape.emplace_back(extent);
    }
    begin = end + 1;
  }
  return shape;
}

// "8" or "1..512".
DimRange parse_range(const std::string& option, const std::string& text) {
  const size_t dots = text.find("..");
  if (dots == std::string::npos) return parse_extent(option, text);
  const DimRange range(parse_extent(option, text.substr(0, dots)),
                       parse_extent(option, text.substr(dots + 2)));
  if (range.min > range.max) {
    throw_error(ErrorKind::kValue, "{}: '{}' is empty: the lower bound comes first", option, text);
  }
  return range;
}

void check_stage(const std::string& dump) {
  const std::vector<std::string> stages = stage_names();
  if (dump.empty() || std::find(stages.begin(), stages.end(), dump) != stages.end()) return;
  throw_error(ErrorKind::kValue, "--dump: there is no stage '{}'; the stages are {}", dump,
              fmt::join(stages, ", "));
}

Accuracy parse_accuracy(const std::string& text) {
  const std::vector<std::string> names = accuracy_names();
  const auto found = std::find(names.begin(), names.end(), text);
  if (found != names.end()) return static_cast<Accuracy>(found - names.begin());
  throw_error(ErrorKind::kValue, "--accuracy: '{}' is none of {}", text, fmt::join(names, ", "));
}

// An option that is given for every model, in their order, or not at all.
void check_count(const char* option, size_t count, size_t models) {
  if (count == 0 || count == models) return;
  throw_error(ErrorKind::kValue,
              "{} is given {} time{} for {} model{}: give one for each, in their order", option,
              count, count == 1 ? "" : "s", models, models == 1 ? "" : "s");
}

// No output may be another one, or a model.
void check_outputs(const Options& options) {
  std::vector<std::pair<std::string, std::string>> taken{{"-o", options.output}};
  for (const std::string& model : options.models) taken.emplace_back("MODEL", model);
  const auto add = [&](const char* option, const std::string& path) {
    for (const auto& [other, known] : taken) {
      if (is_same_file(known, path)) {
        throw_error(ErrorKind::kValue, "{} {}: is the file of {} {} too", option, path, other,
                    known);
      }
    }
    taken.emplace_back(option, path);
  };
  for (const std::string& model : options.models) {
    if (is_same_file(model, options.output))
      throw_error(ErrorKind::kValue, "-o {}: is the file of MODEL {} too", options.output, model);
  }
  if (options.header.empty() && options.params_out.empty()) return;
  for (const std::string& model : options.models) {
    for (const auto& file : import::read_interface(model).data_files) {
      taken.emplace_back("the weights of MODEL " + model + ",", file.string());
    }
  }
  if (!options.header.empty()) add("--header", options.header);
  for (const std::string& path : options.params_out) add("--params-out", path);
}

void run(const Options& options) {
  check_stage(options.dump);
  check_outputs(options);
  exporter::check_suffix(options.output);
  check_count("--name", options.names.size(), options.models.size());
  check_count("--params-out", options.params_out.size(), options.models.size());
  const auto on_stage = [&](const Stage& stage) {
    if (options.time) say(fmt::format("{:<14} {:9.3f} ms\n", stage.name, stage.milliseconds));
    if (stage.name == options.dump) std::fputs(stage.text().c_str(), stdout);
  };
  BuildOptions build_options;
  build_options.target = {options.target, options.cpus};
  build_options.accuracy = parse_accuracy(options.accuracy);
  build_options.on_stage = on_stage;
  build_options.on_warning = [](const std::string& text) {
    say(fmt::format("dovetail: warning: {}\n", text));
  };
  for (const std::string& text : options.shapes) {
    const auto [input, shape] = split_assignment("--shape", text);
    if (!build_options.input_shapes.emplace(input, parse_shape(shape)).second) {
      throw_error(ErrorKind::kValue, "--shape {}: given twice", input);
    }
  }
  for (const std::string& text : options.dims) {
    const auto [dim, range] = split_assignment("--dim", text);
    if (!build_options.dims.emplace(dim, parse_range("--dim " + dim, range)).second) {
      throw_error(ErrorKind::kValue, "--dim {}: given twice", dim);
    }
  }
  ExportOptions export_options{.package_params = !options.no_params,
                               .prefix = options.prefix,
                               .header = options.header,
                               .fcompile = {},
                               .on_stage = on_stage};
  if (!options.fcompile.empty()) export_options.fcompile = fcompile_command(options.fcompile);
  std::vector<BuildOptions> each = options_of_each(options.models, build_options);
  std::vector<CompiledModel> models;
  for (size_t m = 0; m < each.size(); ++m) {
    if (!options.names.empty()) each[m].name = options.names[m];
    models.push_back(build(options.models[m], each[m]));
  }
  // A library whose weights could not be written would be of no use.
  for (size_t m = 0; m < options.params_out.size(); ++m)
    models[m].save_params(options.params_out[m]);
  export_library(models, options.output, export_options);
}

}  // namespace

void add_build(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("build", "Compile ONNX models into one native library");
  command->add_option("MODEL", options->models, "The ONNX files")->required();
  command
      ->add_option("-o,--output", options->output,
                   "The library: .so for the loader, .o or .a for the linker")
      ->required();
  command->add_option("--name", options->names,
                      "Name of the model, one for each (default: the file's stem)");
  command->add_option("--prefix", options->prefix,
                      "Prefix of the library's globals (default: the first model's name)");
  command->add_option(
      "--target", options->target,
      fmt::format("One of {} (default: this machine)", fmt::join(target_names(), ", ")));
  command->add_option("--cpu", options->cpus,
                      "CPU level, as x86-64-v4+avx512vnni; several make a fat library");
  command->add_option(
      "--shape", options->shapes,
      "INPUT=1x3x224x224 or 1,3,224,224: the shape of an input; a name stays symbolic");
  command->add_option("--dim", options->dims,
                      "DIM=1 or DIM=1..512: the extent of a symbolic dimension, or its bounds");
  command->add_option("--accuracy", options->accuracy,
                      "Of float32 convolutions. fast: the fewest products (Winograd, tiles up to "
                      "4x4); accurate: tiles of 2x2 at most, no more rounding error than plain "
                      "sums; strict: plain sums (default: fast)");
  command->add_flag("--no-params", options->no_params,
                    "Leave the weights out: they are loaded later, by --params or load_params");
  command->add_option("--params-out", options->params_out,
                      "FILE.safetensors: also write the weights as the ONNX file has them; one for "
                      "each model");
  command->add_option("--header", options->header, "Also write the typed C header");
  command->add_option("--fcompile", options->fcompile,
                      "A command that links instead, as 'g++ -shared -o {output} {objects}'");
  command->add_flag("--time", options->time, "Print the time of every stage");
  command->add_option("--dump", options->dump, "Print the result of a stage as text");
  for (CLI::Option* option : {command->get_option("--name"), command->get_option("--params-out"),
                              command->get_option("--cpu"), command->get_option("--shape"),
                              command->get_option("--dim")}) {
    option->allow_extra_args(false);
  }
  command->callback([options] { run(*options); });
}

}  // namespace dovetail::tool
