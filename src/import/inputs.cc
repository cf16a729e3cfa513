#include "import/inputs.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/error.h"
#include "ops/lowering/context.h"

namespace dovetail::import {
namespace {

using ir::Dim;
std::string text_of(const Extent& extent) {
  if (const auto* number = std::get_if<int64_t>(&extent)) return std::to_string(*number);
  return std::get<std::string>(extent);
}

std::string text_of(const std::vector<Extent>& shape) {
  std::string text;
  for (const Extent& extent : shape) text += (text.empty() ? "" : "x") + text_of(extent);
  return "[" + text + "]";
}

class Inputs {
 public:
  Inputs(const std::string& file, const Options& options) : file_(file), options_(options) {}

  void declare(const onnx::ValueInfoProto& info) {
    Declared d;
    d.name = info.name();
    if (!info.type().has_tensor_type()) {
      throw_error(
          ErrorKind::kUnsupported,
          "{}: input '{}' is no tensor (a sequence, map or optional), which is not supported",
          file_, d.name);
    }
    const auto& tensor = info.type().tensor_type();
    try {
      d.dtype = ops::dtype_of_onnx(tensor.elem_type());
    } catch (const Error& error) {
      throw_error(error.kind(), "{}: input '{}': {}", file_, d.name, error.what());
    }
    d.ranked = tensor.has_shape();
    for (int axis = 0; axis < tensor.shape().dim_size(); ++axis) {
      d.shape.push_back(declared_extent(d.name, axis, tensor.shape().dim(axis)));
    }
    inputs_.push_back(std::move(d));
  }

  Interface interface() const {
    Interface result;
    for (const Declared& d : inputs_) result.inputs.push_back(d.name);
    const std::set<std::string> dims = symbols();
    result.dims.assign(dims.begin(), dims.end());
    return result;
  }

  InputTypes types() {
    check_names();
    for (Declared& d : inputs_) apply_shape(d);
    for (const auto& [name, range] : options_.dims) restrict(name, range, "--dim");
    InputTypes result;
    for (const Declared& d : inputs_) {
      ir::Shape shape;
      for (const Extent& extent : d.shape) shape.push_back(resolved(extent, &result.symbols));
      result.inputs.push_back({d.name, {d.dtype, std::move(shape)}});
    }
    return result;
  }

 private:
  struct Declared {
    std::string name;
    ir::DType dtype;
    bool ranked = true;
    std::vector<Extent> shape;
  };

  Extent declared_extent(const std::string& input, int axis,
                         const onnx::TensorShapeProto::Dimension& dim) const {
    const std::string nameless = fmt::format("{}.{}", input, axis);
    if (dim.dim_param() == "?") {  // as PaddlePaddle writes every unknown extent
      options_.on_warning(
          fmt::format("{}: input '{}' calls axis {} '?', which is no name; it is called {}", file_,
                      input, axis, nameless));
      return nameless;
    }
    if (dim.has_dim_param() && !dim.dim_param().empty()) return dim.dim_param();
    if (!dim.has_dim_value()) return nameless;
    if (dim.dim_value() > 0) return int64_t{dim.dim_value()};
    if (dim.dim_value() == 0) {
      options_.on_warning(fmt::format(
          "{}: input '{}' declares extent 0 for axis {}: it is always empty (if free is meant, "
          "give --shape)",
          file_, input, axis));
      return int64_t{0};
    }
    options_.on_warning(fmt::format(
        "{}: input '{}' declares extent {} for axis {}; it is taken as free and called {}", file_,
        input, dim.dim_value(), axis, nameless));
    return nameless;
  }

  std::string input_list() const {
    std::string list;
    for (const Declared& d : inputs_) {
      list += fmt::format("{}{}{}", list.empty() ? "" : ", ", d.name,
                          d.ranked ? text_of(d.shape) : "[?]");
    }
    return list.empty() ? "none" : list;
  }

  void check_names() const {
    for (const auto& [name, shape] : options_.input_shapes) {
      const auto is_it = [&](const Declared& d) { return d.name == name; };
      if (std::none_of(inputs_.begin(), inputs_.end(), is_it)) {
        throw_error(ErrorKind::kKey, "{}: --shape names input '{}'; the model has: {}", file_, name,
                    input_list());
      }
    }
  }

  void apply_shape(Declared& d) {
    const auto option = options_.input_shapes.find(d.name);
    if (option == options_.input_shapes.end()) {
      if (d.ranked) return;
      throw_error(ErrorKind::kUnsupported,
                  "{}: input '{}' declares no shape: give it by --shape {}=...", file_, d.name,
                  d.name);
    }
    const std::vector<Extent>& given = option->second;
    if (!d.ranked) d.shape = given;
    d.ranked = true;
    if (given.size() != d.shape.size()) {
      throw_error(ErrorKind::kValue, "{}: --shape gives input '{}' {} axes, but it declares {}: {}",
                  file_, d.name, given.size(), d.shape.size(), text_of(d.shape));
    }
    for (size_t axis = 0; axis < given.size(); ++axis) {
      if (given[axis] == d.shape[axis]) continue;
      if (d.shape[axis] == Extent(int64_t{0})) {
        d.shape[axis] = given[axis];  // some exporters write 0 for free
        if (const auto* name = std::get_if<std::string>(&given[axis])) known_new_.insert(*name);
        continue;
      }
      if (std::holds_alternative<int64_t>(d.shape[axis])) {
        throw_error(ErrorKind::kValue,
                    "{}: --shape gives input '{}' extent {} for axis {}, but it declares {}", file_,
                    d.name, text_of(given[axis]), axis, text_of(d.shape));
      }
      const std::string& symbol = std::get<std::string>(d.shape[axis]);
      if (const auto* number = std::get_if<int64_t>(&given[axis])) {
        restrict(symbol, *number, "--shape");
      } else {
        rename(symbol, std::get<std::string>(given[axis]));
      }
    }
  }

  std::set<std::string> symbols() const {
    std::set<std::string> result;
    for (const Declared& d : inputs_) {
      for (const Extent& extent : d.shape) {
        if (const auto* name = std::get_if<std::string>(&extent)) result.insert(*name);
      }
    }
    return result;
  }

  void restrict(const std::string& symbol, const DimRange& range, const char* option) {
    if (range.min < 0 || range.max > INT32_MAX || range.min > range.max) {
      throw_error(ErrorKind::kValue, "{}: {} gives dimension '{}' the {}, expected 0 to {}", file_,
                  option, symbol, range_text(range), INT32_MAX);
    }
    const std::set<std::string> known = symbols();
    if (!known.contains(symbol) && !known_new_.contains(symbol)) {
      throw_error(ErrorKind::kKey, "{}: --dim names dimension '{}'; the model has: {}", file_,
                  symbol, known.empty() ? "none" : fmt::format("{}", fmt::join(known, ", ")));
    }
    const auto [at, added] = ranges_.emplace(symbol, range);
    if (added) return;
    const DimRange both(std::max(at->second.min, range.min), std::min(at->second.max, range.max));
    if (both.min > both.max) {
      throw_error(ErrorKind::kValue, "{}: dimension '{}' is given two {}: {} and {}", file_, symbol,
                  is_fixed(range) && is_fixed(at->second) ? "values" : "ranges",
                  number_text(at->second), number_text(range));
    }
    at->second = both;
  }

  static bool is_fixed(const DimRange& range) { return range.min == range.max; }
  static std::string number_text(const DimRange& range) {
    return is_fixed(range) ? std::to_string(range.min)
                           : fmt::format("{}..{}", range.min, range.max);
  }
  static std::string range_text(const DimRange& range) {
    return (is_fixed(range) ? "value " : "range ") + number_text(range);
  }

  void rename(const std::string& symbol, const std::string& name) {
    const auto [at, added] = names_.emplace(symbol, name);
    if (!added && at->second != name) {
      throw_error(ErrorKind::kValue, "{}: dimension '{}' is given two names: {} and {}", file_,
                  symbol, at->second, name);
    }
    known_new_.insert(name);
  }

  Dim resolved(const Extent& extent, ir::SymbolBounds* bounds) const {
    if (const auto* number = std::get_if<int64_t>(&extent)) return *number;
    std::string name = std::get<std::string>(extent);
    DimRange range;
    if (const auto given = ranges_.find(name); given != ranges_.end()) range = given->second;
    if (const auto other = names_.find(name); other != names_.end()) name = other->second;
    if (const auto given = ranges_.find(name); given != ranges_.end()) range = given->second;
    if (is_fixed(range)) return range.min;
    bounds->emplace(name, ir::Bounds{range.min, range.max});
    return Dim::symbol(name);
  }

  const std::string& file_;
  const Options& options_;
  std::vector<Declared> inputs_;
  std::map<std::string, DimRange> ranges_;
  std::map<std::string, std::string> names_;  // symbol of the file -> the caller's
  std::set<std::string> known_new_;
};

}  // namespace

InputTypes input_types(const std::vector<const onnx::ValueInfoProto*>& inputs,
                       const std::string& file, const Options& options) {
  Inputs result(file, options);
  for (const onnx::ValueInfoProto* input : inputs) result.declare(*input);
  return result.types();
}

Interface declared_interface(const std::vector<const onnx::ValueInfoProto*>& inputs,
                             const std::string& file) {
  const Options options{{}, {}, [](const std::string&) {}};
  Inputs result(file, options);
  for (const onnx::ValueInfoProto* input : inputs) result.declare(*input);
  return result.interface();
}

}  // namespace dovetail::import
