#include "inputs.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <random>

#include "base/error.h"
#include "commands.h"
#include "ir/float16.h"
#include "npy.h"

namespace dovetail::tool {
namespace {

using Dims = std::map<std::string, int64_t>;

std::vector<std::string> names_of(const dv_tensor_info* infos, int32_t count) {
  std::vector<std::string> names;
  for (int32_t k = 0; k < count; ++k) names.emplace_back(infos[k].name);
  return names;
}

Dims given_dims(const dv_model& model, const InputOptions& options) {
  std::vector<std::string> known;
  for (int32_t d = 0; d < model.num_dims; ++d) known.emplace_back(model.dims[d].name);
  Dims dims;
  for (const std::string& text : options.dims) {
    const auto [name, extent] = split_assignment("--dim", text);
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      throw_error(ErrorKind::kKey,
                  "--dim {}: model '{}' has no such dimension; its dimensions are {}", name,
                  model.name,
                  known.empty() ? "all fixed" : fmt::format("{}", fmt::join(known, ", ")));
    }
    if (!dims.emplace(name, parse_extent("--dim " + name, extent)).second)
      throw_error(ErrorKind::kValue, "--dim {}: given twice", name);
  }
  return dims;
}

Tensor tensor_of(NpyArray array) {
  auto owner = std::make_shared<NpyArray>(std::move(array));
  return Tensor::view(static_cast<void*>(owner->bytes.data()), owner->shape, owner->dtype, owner);
}

std::map<std::string, Tensor> given_inputs(const dv_model& model, const InputOptions& options) {
  const std::vector<std::string> known = names_of(model.inputs, model.num_inputs);
  std::map<std::string, Tensor> inputs;
  for (const std::string& text : options.inputs) {
    const auto [name, file] = split_assignment("--input", text);
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      throw_error(ErrorKind::kKey, "--input {}: model '{}' has no such input; its inputs are {}",
                  name, model.name, fmt::join(known, ", "));
    }
    if (!inputs.emplace(name, tensor_of(read_npy(file))).second)
      throw_error(ErrorKind::kValue, "--input {}: given twice", name);
  }
  return inputs;
}

// Dimensions that --dim leaves open are read off the inputs that are given; both must not disagree.
void bind_dims(const dv_model& model, const std::map<std::string, Tensor>& inputs, Dims* dims) {
  const Dims given = *dims;
  for (int32_t k = 0; k < model.num_inputs; ++k) {
    const dv_tensor_info& info = model.inputs[k];
    const auto found = inputs.find(info.name);
    if (found == inputs.end()) continue;
    const std::vector<int64_t>& shape = found->second.shape();
    for (int32_t axis = 0; axis < info.ndim && axis < static_cast<int32_t>(shape.size()); ++axis) {
      if (info.shape[axis].symbol < 0) continue;
      const std::string name = model.dims[info.shape[axis].symbol].name;
      const int64_t extent = shape[static_cast<size_t>(axis)];
      const auto [dim, added] = dims->try_emplace(name, extent);
      if (!added && dim->second != extent && given.contains(name)) {
        throw_error(ErrorKind::kValue, "--dim {}={}: input '{}' has {} there", name, dim->second,
                    info.name, extent);
      }
    }
  }
}

// The library checks this too, but only once there is memory for a tensor of any size.
void check_bounds(const dv_symbol& symbol, const dv_tensor_info& info, int32_t axis,
                  int64_t extent) {
  if (extent >= symbol.min && extent <= symbol.max) return;
  throw_error(ErrorKind::kValue,
              "dim '{}' is {} in input '{}' (axis {}); this library was built for {}{}",
              symbol.name, extent, info.name, axis, symbol.min,
              symbol.max == INT64_MAX ? " and more" : fmt::format("..{}", symbol.max));
}

std::vector<int64_t> random_shape(const dv_model& model, const dv_tensor_info& info,
                                  const Dims& dims) {
  std::vector<int64_t> shape;
  for (int32_t axis = 0; axis < info.ndim; ++axis) {
    const dv_dim& dim = info.shape[axis];
    if (dim.value >= 0) {
      shape.push_back(dim.value);
      continue;
    }
    const dv_symbol& symbol = model.dims[dim.symbol];
    const std::string name = symbol.name;
    const auto found = dims.find(name);
    if (found == dims.end()) {
      throw_error(ErrorKind::kValue, "dimension '{}' of input '{}' has no value: give --dim {}=N",
                  name, info.name, name);
    }
    check_bounds(symbol, info, axis, found->second);
    shape.push_back(found->second);
  }
  return shape;
}

template <class T, class Draw>
void fill(const Tensor& tensor, Draw draw) {
  auto* data = static_cast<T*>(tensor.raw_data());
  for (int64_t i = 0; i < tensor.num_elements(); ++i) data[i] = static_cast<T>(draw());
}

// Floats are uniform in [0, 1), integers in 0 to 7, bools either.
Tensor random_tensor(const dv_tensor_info& info, std::vector<int64_t> shape,
                     std::mt19937_64* engine) {
  const DType dtype(info.dtype);
  const Tensor tensor = Tensor::empty(std::move(shape), dtype);
  const auto real = [&] { return static_cast<double>((*engine)() >> 11) * 0x1p-53; };
  const auto whole = [&] { return (*engine)() >> 61; };
  const std::string name = dtype.name();
  if (name == "float32") {
    fill<float>(tensor, real);
  } else if (name == "float64") {
    fill<double>(tensor, real);
  } else if (name == "float16") {
    fill<uint16_t>(tensor, [&] { return ir::float_to_half(static_cast<float>(real())); });
  } else if (name == "bfloat16") {
    fill<uint16_t>(tensor, [&] { return ir::float_to_bfloat16(static_cast<float>(real())); });
  } else if (name == "bool") {
    fill<bool>(tensor, [&] { return (*engine)() >> 63; });
  } else if (name == "int64") {
    fill<int64_t>(tensor, whole);
  } else if (name == "int32") {
    fill<int32_t>(tensor, whole);
  } else if (name == "int16") {
    fill<int16_t>(tensor, whole);
  } else if (name == "int8") {
    fill<int8_t>(tensor, whole);
  } else if (name == "uint8") {
    fill<uint8_t>(tensor, whole);
  } else if (name == "uint16") {
    fill<uint16_t>(tensor, whole);
  } else if (name == "uint32") {
    fill<uint32_t>(tensor, whole);
  } else if (name == "uint64") {
    fill<uint64_t>(tensor, whole);
  } else {
    throw_error(ErrorKind::kUnsupported,
                "input '{}' is {}: random values are not made for it, give --input {}=FILE.npy",
                info.name, name, info.name);
  }
  return tensor;
}

}  // namespace

void add_input_options(CLI::App& command, InputOptions& options) {
  command.add_option("LIB", options.library, "The exported library")->required();
  command.add_option("--model", options.model, "Name of the model (default: the library's first)");
  command.add_option("--params", options.params,
                     "FILE.safetensors: the weights, for a library made with --no-params");
  command.add_option("--input", options.inputs, "NAME=FILE.npy")->allow_extra_args(false);
  command.add_option("--dim", options.dims, "DIM=N: a symbolic dimension of random inputs")
      ->allow_extra_args(false);
}

void add_timing_options(CLI::App& command, TimingOptions& options) {
  add_input_options(command, options);
  options.random = 0;
  command
      .add_option("--threads", options.threads,
                  "Threads to use (default: the processors there are)")
      ->check(CLI::Range(1, 1024));
  command.add_flag("--json", options.json, "Print one JSON object and nothing else");
}

Executor make_executor(const InputOptions& options, const std::string& kind) {
  const Module library = Module::load(options.library);
  const std::string model = library.model(options.model)->name;
  if (!options.params.empty()) library[model + ".load_params"](Params::load(options.params));
  return Executor(library[model + kind](cpu()));
}

std::vector<Tensor> make_inputs(const dv_model& model, const InputOptions& options) {
  const std::map<std::string, Tensor> given = given_inputs(model, options);
  Dims dims = given_dims(model, options);
  bind_dims(model, given, &dims);
  std::vector<Tensor> inputs;
  std::mt19937_64 engine(options.random.value_or(0));
  for (int32_t k = 0; k < model.num_inputs; ++k) {
    const dv_tensor_info& info = model.inputs[k];
    if (const auto found = given.find(info.name); found != given.end()) {
      inputs.push_back(found->second);
    } else if (options.random) {
      inputs.push_back(random_tensor(info, random_shape(model, info, dims), &engine));
    } else {
      throw_error(ErrorKind::kValue,
                  "input '{}' is not given: use --input {}=FILE.npy or --random SEED", info.name,
                  info.name);
    }
  }
  return inputs;
}

}  // namespace dovetail::tool
