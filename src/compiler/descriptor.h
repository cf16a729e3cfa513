// The descriptor of a library (dovetail/abi.h) as constant data, and the small functions beside it.
#pragma once

#include <dovetail/abi.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "compiler/compiled_model.h"
#include "compiler/step_table.h"
#include "ir/loop.h"

namespace dovetail::compiler {

struct VariantCode {
  const ModelVariant* variant;
  std::string layout, run, run_observed;  // function names
  StepTable steps;
  int num_values;
  std::map<ir::Dim, int> slots;  // of symbolic output extents
};

// Of a model whose params are not packaged.
struct PrepareCode {
  std::string layout, run;  // function names
  int num_values;
  std::vector<int64_t> constants, frozen;  // where they lie in the library's weights
};

struct ModelCode {
  const CompiledModel::Data* model;
  std::vector<VariantCode> variants;
  std::optional<PrepareCode> prepare;
};

struct LibraryNames {
  std::string prefix;
  std::string weights_symbol;
  bool packed_functions;  // the __tvm_ffi_* functions of a shared library
};

struct DescriptorRequest {
  const ir::TargetInfo* target;
  const LibraryNames& names;
  const std::vector<ModelCode>& models;
  int64_t weights_size;
};

dv_dtype abi_dtype(ir::DType type);

// Adds the data objects and functions to `module`; gives the names that stay visible in the
// library.
std::vector<std::string> add_descriptor(const DescriptorRequest& request, loop::Module* module);

}  // namespace dovetail::compiler
