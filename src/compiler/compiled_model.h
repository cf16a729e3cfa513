// What build() leaves: everything of one model that code generation needs.
#pragma once

#include <dovetail/compiler.h>

#include <map>
#include <string>
#include <vector>

#include "compiler/prepare.h"
#include "ir/graph.h"
#include "ir/loop.h"
#include "ir/plan.h"
#include "ir/target.h"

namespace dovetail {

struct TensorInfo {
  std::string name;
  ir::TensorType type;
  ir::TensorData value = {};  // of a param as it is in the file, or a frozen value
};

// The plan for one CPU level.
struct ModelVariant {
  ir::CpuLevel level;
  ir::Plan plan;
  std::vector<loop::Function> kernels;  // that the plan's steps index
};

struct CompiledModel::Data {
  std::string name;
  const ir::TargetInfo* target = nullptr;
  std::vector<TensorInfo> inputs, outputs, params, frozen;
  std::vector<std::string> dims;  // symbols, in order of first appearance in the inputs
  ir::SymbolBounds bounds;
  std::map<std::string, std::string> operators;  // types of ONNX nodes by name
  std::vector<ModelVariant> variants;            // most demanding first
  compiler::Prepare prepare;  // its outputs are in the order of the plans' weight buffers
};

}  // namespace dovetail
