#include "compiler/typed_header.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "compiler/abi_header.h"

namespace dovetail::compiler {
namespace {

// Memory for callers who have nothing special to say about it, and integer helpers of shapes.
constexpr const char* kSupport = R"(
#ifndef DOVETAIL_TYPED_HEADER_SUPPORT_
#define DOVETAIL_TYPED_HEADER_SUPPORT_
#include <stdlib.h>
#include <string.h>

/* malloc with alignment: the address that malloc gave stands right before the aligned one. */
static inline void* dovetail_malloc_(void* self, size_t bytes, size_t alignment) {
  char* memory = (char*)malloc(bytes + alignment + sizeof(void*));
  uintptr_t start;
  (void)self;
  if (!memory) return NULL;
  start = ((uintptr_t)memory + sizeof(void*) + alignment - 1) / alignment * alignment;
  ((void**)start)[-1] = memory;
  return (void*)start;
}
static inline void dovetail_free_(void* self, void* memory) {
  (void)self;
  if (memory) free(((void**)memory)[-1]);
}
/* A host with malloc and one thread. */
static inline dv_host dovetail_malloc_host(void) {
  dv_host host = {sizeof(dv_host), 1, NULL, dovetail_malloc_, dovetail_free_, NULL, 0};
  return host;
}
static inline int64_t dovetail_floordiv_(int64_t a, int64_t b) {
  int64_t quotient = b ? a / b : 0;
  return b && a % b != 0 && (a < 0) != (b < 0) ? quotient - 1 : quotient;
}
static inline int64_t dovetail_mod_(int64_t a, int64_t b) { return a - dovetail_floordiv_(a, b) * b; }
static inline int64_t dovetail_min_(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t dovetail_max_(int64_t a, int64_t b) { return a > b ? a : b; }
/* Describes the memory at `params` by the model's own table, and prepares it. */
static inline int32_t dovetail_prepare_params_(const dv_model* model, const dv_host* host,
                                               const void* const* params, void* prepared,
                                               dv_error* error) {
  const size_t count = (size_t)model->num_params + (size_t)model->num_frozen;
  size_t extents = 0;
  int32_t i, axis, status;
  const dv_tensor** table;
  dv_tensor* tensors;
  int64_t* shape;
  for (i = 0; i < model->num_params; ++i) extents += (size_t)model->params[i].ndim;
  tensors = (dv_tensor*)calloc(
      1, count * (sizeof(dv_tensor) + sizeof(dv_tensor*)) + extents * sizeof(int64_t) + 1);
  if (!tensors) {
    error->code = DV_MEMORY_ERROR;
    memcpy(error->message, "no memory for a table of params", 32);
    return DV_MEMORY_ERROR;
  }
  table = (const dv_tensor**)(void*)(tensors + count);
  shape = (int64_t*)(void*)(table + count);
  for (i = 0; i < model->num_params; ++i) {
    const dv_tensor_info* info = &model->params[i];
    tensors[i].data = (void*)(uintptr_t)params[i];
    tensors[i].device.type = DV_CPU;
    tensors[i].ndim = info->ndim;
    tensors[i].dtype = info->dtype;
    tensors[i].shape = shape;
    for (axis = 0; axis < info->ndim; ++axis) *shape++ = info->shape[axis].value;
    if (params[i]) table[i] = &tensors[i];
  }
  status = model->library->api->prepare_params(model, host, table, (uint8_t*)prepared, error);
  free(tensors);
  return status;
}
#endif
)";

std::string c_type(ir::DType dtype) {
  switch (dtype) {
    case ir::DType::kF32:
      return "float";
    case ir::DType::kF64:
      return "double";
    case ir::DType::kF16:
    case ir::DType::kBF16:
      return "uint16_t";
    case ir::DType::kBool:
      return "uint8_t";
    default:
      return std::string(ir::name_of(dtype)) + "_t";
  }
}

// Words of C and C++, of the functions that are written here, and macros of usual systems.
bool is_taken(const std::string& name) {
  static const std::set<std::string> words{
      "alignas",  "alignof",   "and",       "and_eq",        "api",
      "asm",      "assert",    "auto",      "bitand",        "bitor",
      "bool",     "break",     "case",      "catch",         "char",
      "class",    "co_await",  "co_yield",  "compl",         "complex",
      "concept",  "const",     "consteval", "constexpr",     "constinit",
      "context",  "continue",  "co_return", "decltype",      "default",
      "delete",   "do",        "double",    "else",          "enum",
      "errno",    "error",     "explicit",  "export",        "extern",
      "false",    "float",     "for",       "friend",        "goto",
      "if",       "imaginary", "inline",    "inputs",        "int",
      "library",  "linux",     "long",      "mutable",       "namespace",
      "new",      "noexcept",  "noreturn",  "static_assert", "thread_local",
      "not",      "not_eq",    "nullptr",   "operator",      "or",
      "or_eq",    "outputs",   "private",   "protected",     "public",
      "register", "requires",  "restrict",  "return",        "short",
      "signed",   "sizeof",    "static",    "status",        "struct",
      "switch",   "template",  "this",      "throw",         "true",
      "try",      "typedef",   "typeid",    "typename",      "typeof",
      "union",    "unix",      "unsigned",  "using",         "virtual",
      "void",     "volatile",  "while",     "xor",           "xor_eq"};
  return words.contains(name);
}

// Could it be a macro, a type or a variable of the header's functions?
bool is_reserved(const std::string& name) {
  const bool small =
      std::any_of(name.begin(), name.end(), [](char c) { return c >= 'a' && c <= 'z'; });
  const bool systems =
      name.size() > 1 && name[0] == '_' && (name[1] == '_' || (name[1] >= 'A' && name[1] <= 'Z'));
  return is_taken(name) || systems || (!small && name.size() > 1) || name == "I" ||
         name.ends_with("_t") || name.ends_with("_cast") || name.starts_with("dv_") ||
         name.starts_with("dovetail_");
}

// Within a comment: one line that does not end it, whatever the names of the file hold.
std::string comment_text(const std::string& text) {
  std::string result;
  for (const char c : text) {
    const bool control = static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    const bool edge = !result.empty() &&
                      ((result.back() == '*' && c == '/') || (result.back() == '/' && c == '*'));
    if (edge) result += ' ';
    result += control ? ' ' : c;
  }
  return result;
}

// Parameter names from ONNX names: C identifiers, each once.
class Identifiers {
 public:
  std::string of(const std::string& name) {
    std::string identifier;
    for (const char c : name) {
      const bool allowed =
          (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
      identifier += allowed ? c : '_';
    }
    if (identifier.empty() || (identifier[0] >= '0' && identifier[0] <= '9'))
      identifier.insert(0, "t");
    if (is_reserved(identifier)) identifier += '_';
    while (!used_.insert(identifier).second) identifier += '_';
    return identifier;
  }

 private:
  std::set<std::string> used_;
};

using Names = std::map<std::string, std::string>;

std::string c_expression(const ir::Dim& dim, const Names& symbols);

std::string c_expression(const ir::Dim::Atom& atom, const Names& symbols) {
  if (atom.kind == ir::AtomKind::kSymbol) return symbols.at(atom.name);
  std::vector<std::string> arguments;
  for (const ir::Dim& argument : atom.arguments)
    arguments.push_back(c_expression(argument, symbols));
  switch (atom.kind) {
    case ir::AtomKind::kFloorDiv:
      return fmt::format("dovetail_floordiv_({}, {})", arguments[0], arguments[1]);
    case ir::AtomKind::kMod:
      return fmt::format("dovetail_mod_({}, {})", arguments[0], arguments[1]);
    case ir::AtomKind::kMin:
      return fmt::format("dovetail_min_({}, {})", arguments[0], arguments[1]);
    case ir::AtomKind::kMax:
      return fmt::format("dovetail_max_({}, {})", arguments[0], arguments[1]);
    default:
      return fmt::format("({} >= {} ? {} : {})", arguments[0], arguments[1], arguments[2],
                         arguments[3]);
  }
}

std::string c_expression(const ir::Dim& dim, const Names& symbols) {
  if (dim.terms().empty()) return "0";
  std::string sum;
  for (const ir::Dim::Term& term : dim.terms()) {
    std::string product;
    if (term.coefficient != 1 || term.factors.empty())
      product = fmt::format("INT64_C({})", term.coefficient);
    for (const auto& factor : term.factors) {
      product += (product.empty() ? "" : " * ") + c_expression(*factor, symbols);
    }
    sum += (sum.empty() ? "" : " + ") + product;
  }
  return dim.terms().size() == 1 ? sum : "(" + sum + ")";
}

// Code that describes one tensor on the stack as `tensor`.
std::string tensor_code(const TensorInfo& info, const std::string& parameter,
                        const std::string& tensor, const Names& symbols) {
  std::string code;
  const std::string shape = tensor + "_shape";
  std::vector<std::string> extents;
  for (const ir::Dim& extent : info.type.shape) extents.push_back(c_expression(extent, symbols));
  if (!extents.empty()) {
    code += fmt::format("  int64_t {}[{}];\n", shape, extents.size());
    for (size_t i = 0; i < extents.size(); ++i)
      code += fmt::format("  {}[{}] = {};\n", shape, i, extents[i]);
  }
  code += fmt::format("  {}.data = (void*){};\n", tensor, parameter);
  code += fmt::format("  {}.ndim = {};\n  {}.shape = {};\n", tensor, extents.size(), tensor,
                      extents.empty() ? "NULL" : shape);
  return code;
}

std::string shape_comment(const TensorInfo& info) { return comment_text(ir::to_string(info.type)); }

class HeaderWriter {
 public:
  HeaderWriter(const std::vector<ModelCode>& models, const std::string& prefix)
      : models_(models), prefix_(prefix) {}

  std::string write() {
    std::string text = fmt::format(
        "/* Made by Dovetail {} for the library `{}_library`: the contract, then typed calls for "
        "each model. */\n{}{}\n",
        DOVETAIL_VERSION, prefix_, abi_header(), kSupport);
    text += fmt::format(
        "#ifndef DOVETAIL_{0}_LIBRARY_\n#define DOVETAIL_{0}_LIBRARY_\n#ifdef __cplusplus\nextern "
        "\"C\" {{\n#endif\n\n"
        "/* Linked: this. Opened with dlopen: what dlsym(handle, \"{0}_library\") gives. */\n"
        "extern const dv_library {0}_library;\n",
        prefix_);
    for (size_t m = 0; m < models_.size(); ++m) text += model(models_[m], m);
    return text + "\n#ifdef __cplusplus\n}\n#endif\n#endif\n";
  }

 private:
  // The first model is called by the prefix, the others by prefix and name, so that two versions of
  // a model get along in one program.
  std::string function_prefix(const CompiledModel::Data& model, size_t index) const {
    return index == 0 ? prefix_ : prefix_ + "_" + model.name;
  }

  std::string model(const ModelCode& code, size_t index) const {
    const CompiledModel::Data& model = *code.model;
    const std::string name = function_prefix(model, index);
    std::string text = fmt::format(
        "\n/* ---- Model \"{1}\" ---- */\n\n"
        "/* Makes a context of this model; one caller uses it at a time. */\n"
        "static inline int32_t {0}_create(const dv_library* library, const dv_host* host, "
        "dv_context** context,\n"
        "                                dv_error* error) {{\n"
        "  return library->api->create(library->models[{2}], host, context, error);\n}}\n"
        "static inline void {0}_destroy(const dv_library* library, dv_context* context) {{\n"
        "  library->api->destroy(context);\n}}\n",
        name, model.name, index);
    if (code.prepare) text += params(model, name, index);
    return text + run(code, name);
  }

  static std::string params(const CompiledModel::Data& model, const std::string& name,
                            size_t index) {
    Identifiers identifiers;
    std::string enumerators;
    for (const TensorInfo& param : model.params) {
      enumerators += fmt::format("  {}_param_{}, /* {} */\n", name, identifiers.of(param.name),
                                 shape_comment(param));
    }
    return fmt::format(
        "/* The library does not have the weights of this model. {0}_prepare_params makes of them "
        "what runs\n"
        " * read: {0}_params_size bytes at `prepared`, aligned to DV_ALIGNMENT. They serve any "
        "number of\n"
        " * contexts by {0}_set_params, and must outlive them. `params` has an entry for each of "
        "these,\n"
        " * compact and row-major: */\n"
        "enum {{\n{1}  {0}_num_params\n}};\n"
        "static inline int64_t {0}_params_size(const dv_library* library) {{\n"
        "  return library->models[{2}]->prepare->weights_size;\n}}\n"
        "static inline int32_t {0}_prepare_params(const dv_library* library, const dv_host* host,\n"
        "    const void* const params[{0}_num_params], void* prepared, dv_error* error) {{\n"
        "  return dovetail_prepare_params_(library->models[{2}], host, params, prepared, "
        "error);\n}}\n"
        "static inline int32_t {0}_set_params(const dv_library* library, dv_context* context,\n"
        "    const void* prepared, dv_error* error) {{\n"
        "  return library->api->set_params(context, (const uint8_t*)prepared, error);\n}}\n",
        name, enumerators, index);
  }

  std::string run(const ModelCode& code, const std::string& name) const {
    const CompiledModel::Data& model = *code.model;
    const ir::Plan& plan = code.variants.front().variant->plan;
    Identifiers identifiers;
    Names symbols;
    std::string parameters;
    std::string comment;
    for (const std::string& dim : model.dims) {
      symbols[dim] = identifiers.of(dim);
      parameters += fmt::format(", int64_t {}", symbols[dim]);
    }
    std::string body, views;
    const auto each = [&](const std::vector<TensorInfo>& infos, const char* list,
                          const char* setter, const char* constness) {
      for (size_t k = 0; k < infos.size(); ++k) {
        const std::string parameter = identifiers.of(infos[k].name);
        if (!ir::known_early(plan, infos[k].type.shape)) {
          // Its extents are known after the run only: a view of the context's memory.
          parameters += fmt::format(", dv_tensor* {}", parameter);
          comment += fmt::format(" *   {} {}: {}, valid until the next run\n", list, parameter,
                                 shape_comment(infos[k]));
          views += fmt::format(
              "  if (status == DV_OK) status = api->get_output(context, {}, {}, error);\n", k,
              parameter);
          continue;
        }
        parameters += fmt::format(", {}{}* {}", constness, c_type(infos[k].type.dtype), parameter);
        comment += fmt::format(" *   {} {}: {}\n", list, parameter, shape_comment(infos[k]));
        const std::string tensor = fmt::format("dv_{}_{}", list, k);  // no parameter's name
        body += fmt::format("  dv_tensor {} = {{NULL, {{DV_CPU, 0}}, 0, {}, NULL, NULL, 0}};\n",
                            tensor, dtype_text(infos[k].type.dtype));
        body += tensor_code(infos[k], parameter, tensor, symbols);
        body += fmt::format(
            "  status = api->{}(context, {}, &{}, error);\n  if (status != DV_OK) return status;\n",
            setter, k, tensor);
      }
    };
    each(model.inputs, "input", "set_input_zero_copy", "const ");
    each(model.outputs, "output", "set_output_zero_copy", "");
    return fmt::format(
        "/* Runs the model on the caller's memory: compact, row-major.\n{}"
        " * The context refers to this memory until the next call. */\n"
        "static inline int32_t {}_run(const dv_library* library, dv_context* context{}, dv_error* "
        "error) {{\n"
        "  const dv_api* api = library->api;\n  int32_t status = DV_OK;\n{}"
        "  status = api->run(context, error);\n{}  return status;\n}}\n",
        comment, name, parameters, body, views);
  }

  static std::string dtype_text(ir::DType dtype) {
    const char* code = dtype == ir::DType::kBool   ? "DV_BOOL"
                       : dtype == ir::DType::kBF16 ? "DV_BFLOAT"
                       : ir::is_float(dtype)       ? "DV_FLOAT"
                       : ir::is_signed_int(dtype)  ? "DV_INT"
                                                   : "DV_UINT";
    return fmt::format("{{{}, {}, 1}}", code, ir::size_of(dtype) * 8);
  }

  const std::vector<ModelCode>& models_;
  std::string prefix_;
};

}  // namespace

std::string typed_header(const std::vector<ModelCode>& models, const std::string& prefix) {
  return HeaderWriter(models, prefix).write();
}

}  // namespace dovetail::compiler
