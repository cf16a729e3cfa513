#include "compiler/descriptor.h"

#include <dovetail/abi.h>
#include <fmt/format.h>

#include "base/error.h"

namespace dovetail::compiler {
namespace {

using loop::DataBytes;
using loop::DataInt;
using loop::DataItem;
using loop::DataObject;
using loop::DataPointer;
using loop::DataString;
using loop::DataStruct;

DataItem i32(int64_t value) { return {DataInt{4, static_cast<uint64_t>(value) & 0xffffffffu}}; }
DataItem i64(int64_t value) { return {DataInt{8, static_cast<uint64_t>(value)}}; }
DataItem text(const std::string& value) { return {DataString{value}}; }
DataItem pointer(const std::string& symbol) { return {DataPointer{symbol, 0}}; }
DataItem null() { return {DataPointer{"", 0}}; }

DataItem dtype(ir::DType type) {
  const dv_dtype value = abi_dtype(type);
  return {DataStruct{{{DataInt{1, value.code}}, {DataInt{1, value.bits}}, {DataInt{2, 1}}}}};
}

// Equal for equal content.
std::string text_of(const DataItem& item) {
  if (const auto* number = std::get_if<DataInt>(&item.node))
    return fmt::format("{}:{},", number->bytes, number->value);
  if (const auto* address = std::get_if<DataPointer>(&item.node))
    return fmt::format("&{}+{},", address->symbol, address->addend);
  if (const auto* string = std::get_if<DataString>(&item.node))
    return fmt::format("\"{}:{}\",", string->text.size(), string->text);
  if (const auto* bytes = std::get_if<DataBytes>(&item.node))
    return fmt::format("'{}:{}',", bytes->bytes.size(), bytes->bytes);
  std::string text = "{";
  for (const DataItem& field : std::get<DataStruct>(item.node).fields) text += text_of(field);
  return text + "}";
}

class DescriptorWriter {
 public:
  DescriptorWriter(const DescriptorRequest& request, loop::Module* module)
      : request_(request), module_(module), library_(request.names.prefix + "_library.self") {}

  std::vector<std::string> write() {
    declare("dovetail_api", false);
    if (request_.weights_size > 0) declare(request_.names.weights_symbol, false);
    std::vector<DataItem> models;
    for (const ModelCode& model : request_.models) models.push_back(pointer(write_model(model)));
    write_library(models);
    if (request_.names.packed_functions) write_packed_functions();
    return exported_;
  }

 private:
  void declare(const std::string& name, bool function) {
    module_->data.push_back(
        {.name = name, .external = true, .function = function, .initial = null()});
  }

  // An array object, or a null pointer when there is nothing in it. Models that are alike share it.
  DataItem array(const std::string& name, std::vector<DataItem> items) {
    if (items.empty()) return null();
    DataItem content{DataStruct{std::move(items)}};
    const auto [found, inserted] = arrays_.try_emplace(text_of(content), name);
    if (inserted) module_->data.push_back({.name = name, .initial = std::move(content)});
    return pointer(found->second);
  }

  DataItem dims(const std::string& owner, const TensorInfo& tensor, const ModelCode& model) {
    std::vector<DataItem> items;
    for (const ir::Dim& dim : tensor.type.shape) {
      int64_t symbol = -1;
      int64_t slot = -1;
      if (const auto name = dim.lone_symbol()) {
        const auto& symbols = model.model->dims;
        const auto at = std::find(symbols.begin(), symbols.end(), *name);
        if (at != symbols.end()) symbol = at - symbols.begin();
      }
      if (!ir::known_early(model.variants.front().variant->plan, dim)) symbol = DV_DATA_DEPENDENT;
      const auto& slots = model.variants.front().slots;
      if (const auto found = slots.find(dim); found != slots.end()) slot = found->second;
      const bool constant = dim.is_constant();
      items.push_back(
          {DataStruct{{i64(constant ? dim.value() : -1), constant ? null() : text(dim.to_string()),
                       i32(symbol), i32(slot)}}});
    }
    return array(owner + ".shape." + tensor.name, std::move(items));
  }

  DataItem tensors(const std::string& owner, const std::vector<TensorInfo>& infos,
                   const ModelCode& model) {
    std::vector<DataItem> items;
    for (const TensorInfo& info : infos) {
      items.push_back({DataStruct{{text(info.name), dims(owner, info, model), i32(info.type.rank()),
                                   dtype(info.type.dtype)}}});
    }
    return array(owner, std::move(items));
  }

  DataItem symbols(const ModelCode& model) {
    std::vector<DataItem> items;
    for (const std::string& name : model.model->dims) {
      const auto found = model.model->bounds.find(name);
      const ir::Bounds bounds = found == model.model->bounds.end() ? ir::Bounds{} : found->second;
      items.push_back({DataStruct{{text(name), i64(bounds.min), i64(bounds.max)}}});
    }
    return array(model.model->name + ".dims", std::move(items));
  }

  // Calls of kernels, those in bodies too, in the order in which the code of run has them.
  static void collect_calls(const ir::Steps& steps, std::vector<const ir::Step*>* calls) {
    for (const ir::Step& step : steps) {
      if (std::holds_alternative<ir::KernelCall>(step.node)) calls->push_back(&step);
      if (const auto* branch = std::get_if<ir::BranchStep>(&step.node)) {
        collect_calls(*branch->then_steps, calls);
        collect_calls(*branch->else_steps, calls);
      }
      if (const auto* loop = std::get_if<ir::LoopStep>(&step.node)) {
        collect_calls(*loop->body, calls);
      }
    }
  }

  static std::string operators_of(const ir::Step& step, const CompiledModel::Data& model) {
    std::vector<std::string> types;
    for (const std::string& node : step.origins) {
      const auto found = model.operators.find(node);
      if (found != model.operators.end()) types.push_back(found->second);
    }
    return fmt::format("{}", fmt::join(types, ", "));
  }

  DataItem steps(const std::string& owner, const VariantCode& code,
                 const CompiledModel::Data& model) {
    std::vector<const ir::Step*> calls;
    collect_calls(code.variant->plan.steps, &calls);
    std::vector<DataItem> items;
    for (size_t k = 0; k < calls.size(); ++k) {
      const auto& call = std::get<ir::KernelCall>(calls[k]->node);
      const StepRow& row = code.steps.steps.at(k);
      items.push_back({DataStruct{{text(code.variant->kernels[call.function].name),
                                   text(fmt::format("{}", fmt::join(calls[k]->origins, ", "))),
                                   text(operators_of(*calls[k], model)), i32(row.iteration),
                                   i32(row.num_results), i32(row.first_result), i32(0),
                                   i64(row.flops), i64(row.bytes)}}});
    }
    return array(owner, std::move(items));
  }

  DataItem results(const std::string& owner, const StepTable& table) {
    std::vector<DataItem> items;
    for (const ResultRow& row : table.results) {
      items.push_back({DataStruct{{text(row.name), dtype(row.dtype), i32(row.rank), i32(row.memory),
                                   i32(row.index), i32(row.extents), i32(0), i64(row.offset)}}});
    }
    return array(owner, std::move(items));
  }

  DataItem amounts(const std::string& owner, const StepTable& table) {
    std::vector<DataItem> items;
    for (const int64_t amount : table.amounts) items.push_back(i64(amount));
    return array(owner, std::move(items));
  }

  DataItem checks(const std::string& owner, const ir::Plan& plan) {
    std::vector<DataItem> items;
    for (const ir::Assertion& a : plan.assertions) {
      const int64_t relation = a.kind == ir::Assertion::Kind::kAtLeast  ? DV_AT_LEAST
                               : a.kind == ir::Assertion::Kind::kAtMost ? DV_AT_MOST
                                                                        : DV_EQUAL;
      items.push_back(
          {DataStruct{{i32(relation), i32(0), text(fmt::format("{}", fmt::join(a.origins, ", "))),
                       text(a.text), text(a.given.to_string()),
                       a.expected.is_constant() ? null() : text(a.expected.to_string())}}});
    }
    return array(owner, std::move(items));
  }

  DataItem variants(const ModelCode& model) {
    std::vector<DataItem> items;
    for (const VariantCode& code : model.variants) {
      const ModelVariant& variant = *code.variant;
      const std::string suffix = "." + variant.level.name;
      const auto count = [](const auto& list) { return i32(static_cast<int64_t>(list.size())); };
      items.push_back(
          {DataStruct{{text(variant.level.name), i64(static_cast<int64_t>(variant.level.features)),
                       i32(code.num_values), count(code.steps.steps),
                       steps(model.model->name + ".steps" + suffix, code, *model.model),
                       i32(variant.plan.reserved_slots),
                       i32(static_cast<int64_t>(variant.plan.assertions.size())),
                       checks(model.model->name + ".checks" + suffix, variant.plan),
                       pointer(code.layout), pointer(code.run), pointer(code.run_observed),
                       results(model.model->name + ".results" + suffix, code.steps),
                       amounts(model.model->name + ".amounts" + suffix, code.steps),
                       count(code.steps.results), count(code.steps.amounts)}}});
    }
    return array(model.model->name + ".variants", std::move(items));
  }

  // Addresses in the weights section.
  DataItem addresses(const std::string& name, const std::vector<int64_t>& offsets) {
    std::vector<DataItem> items;
    for (const int64_t offset : offsets) {
      items.push_back(request_.weights_size > 0
                          ? DataItem{DataPointer{request_.names.weights_symbol, offset}}
                          : null());
    }
    return array(name, std::move(items));
  }

  DataItem prepare(const ModelCode& code) {
    if (!code.prepare) return null();
    const PrepareCode& prepare = *code.prepare;
    const std::string& owner = code.model->name;
    return array(owner + ".prepare", {i64(code.model->prepare.size), i32(prepare.num_values),
                                      i32(static_cast<int64_t>(prepare.constants.size())),
                                      addresses(owner + ".constants", prepare.constants),
                                      addresses(owner + ".frozen_values", prepare.frozen),
                                      pointer(prepare.layout), pointer(prepare.run)});
  }

  std::string write_model(const ModelCode& code) {
    const CompiledModel::Data& model = *code.model;
    const auto count = [](const auto& list) { return i32(static_cast<int64_t>(list.size())); };
    DataObject object{.name = "model." + model.name, .initial = {}};
    object.initial = {DataStruct{
        {i32(sizeof(dv_model)), count(model.inputs), count(model.outputs), count(model.dims),
         count(model.params), count(model.frozen), count(code.variants), i32(0), text(model.name),
         pointer(library_), tensors(model.name + ".inputs", model.inputs, code),
         tensors(model.name + ".outputs", model.outputs, code), symbols(code),
         tensors(model.name + ".params", model.params, code),
         tensors(model.name + ".frozen", model.frozen, code), variants(code), prepare(code)}}};
    module_->data.push_back(std::move(object));
    return "model." + model.name;
  }

  void write_library(std::vector<DataItem> models) {
    const int64_t count = static_cast<int64_t>(models.size());
    const std::string exported = request_.names.prefix + "_library";
    DataObject object{.name = library_, .alias = exported, .initial = {}};
    object.initial = {
        DataStruct{{{DataBytes{DV_MAGIC}},
                    i32(DV_ABI_VERSION),
                    i32(sizeof(dv_library)),
                    text(std::string(request_.target->name)),
                    text("dovetail " DOVETAIL_VERSION),
                    pointer("dovetail_api"),
                    array(library_ + ".models", std::move(models)),
                    request_.weights_size > 0 ? pointer(request_.names.weights_symbol) : null(),
                    i64(request_.weights_size),
                    i64(count)}}};
    module_->data.push_back(std::move(object));
    exported_.push_back(exported);
  }

  void write_packed_functions() {
    declare("dovetail_ffi_factory", true);
    declare("dovetail_ffi_run", true);
    declare("dovetail_ffi_library", true);
    write_packed("__tvm_ffi_dovetail.library", "dovetail_ffi_library", library_);
    write_packed_model("default", request_.models.front());
    for (const ModelCode& code : request_.models) write_packed_model(code.model->name, code);
  }

  void write_packed_model(const std::string& name, const ModelCode& code) {
    const std::string subject = "model." + code.model->name;
    write_packed("__tvm_ffi_" + name, "dovetail_ffi_factory", subject);
    write_packed("__tvm_ffi_" + name + ".run", "dovetail_ffi_run", subject);
  }

  // int32_t name(void* self, const void* args, int32_t num_args, void* result)
  //   { return body(subject, args, num_args, result); }
  void write_packed(const std::string& name, const std::string& body, const std::string& subject) {
    for (const std::string& other : exported_) {
      if (other == name)
        throw_error(ErrorKind::kValue,
                    "the model name '{}' is taken: it is an alias of the first model",
                    name.substr(10));
    }
    loop::Builder b(name, loop::Convention::kPlain);
    b.pointer_parameter("self");
    const loop::Value args = b.pointer_parameter("args");
    const loop::Value count = b.parameter("num_args", loop::scalar(ir::DType::kI32));
    const loop::Value result = b.pointer_parameter("result");
    b.tail_call(body, {b.symbol_address(subject), args, count, result},
                loop::scalar(ir::DType::kI32));
    loop::Function function = b.finish();
    function.exported = true;
    module_->functions.push_back(std::move(function));
    exported_.push_back(name);
  }

  const DescriptorRequest& request_;
  loop::Module* module_;
  std::string library_;
  std::vector<std::string> exported_;
  std::map<std::string, std::string> arrays_;  // names by content
};

}  // namespace

dv_dtype abi_dtype(ir::DType type) {
  const int code = type == ir::DType::kBool   ? DV_BOOL
                   : type == ir::DType::kBF16 ? DV_BFLOAT
                   : ir::is_float(type)       ? DV_FLOAT
                   : ir::is_signed_int(type)  ? DV_INT
                                              : DV_UINT;
  return {static_cast<uint8_t>(code), static_cast<uint8_t>(ir::size_of(type) * 8), 1};
}

std::vector<std::string> add_descriptor(const DescriptorRequest& request, loop::Module* module) {
  return DescriptorWriter(request, module).write();
}

}  // namespace dovetail::compiler
