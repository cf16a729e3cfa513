// The typed C header of a library: the contract (abi.h) and, for each model, inline functions whose
// parameters are its inputs and outputs by name, dtype and shape.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "compiler/descriptor.h"

namespace dovetail::compiler {

// The text, for one library with this prefix. Needs nothing but a C99 compiler; C++ may include it
// too.
std::string typed_header(const std::vector<ModelCode>& models, const std::string& prefix);

}  // namespace dovetail::compiler
