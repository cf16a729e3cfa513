// A case: an ONNX file, inputs and expected outputs as .npy files, or the refusal that is expected.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "ir/tensor.h"

namespace dovetail::test {

struct Case {
  std::filesystem::path folder;
  std::string suite, name, model;
  std::vector<std::string> inputs, outputs;
  double rtol = 0;
  std::vector<double> atol;         // of each output
  std::string refused;              // a part of the importer's message; "": must pass
  std::string refused_by_compiler;  // the same of the whole compile path
  std::vector<Case> later;          // other inputs of the same model, in other sizes

  std::filesystem::path model_path() const { return folder / model; }
  std::vector<ir::TensorData> read_inputs() const;
};

// Those that FOLDER/cases.json lists.
std::vector<Case> read_cases(const std::filesystem::path& folder);

// What differs between the outputs and the expected ones, "" when nothing does. Floats may differ
// by the case's tolerances; NaN equals NaN.
std::string differences(const std::vector<ir::TensorData>& ours, const Case& c);

}  // namespace dovetail::test
