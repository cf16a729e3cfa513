// The text of include/dovetail/abi.h, embedded when Dovetail is built.
#pragma once

#include <string_view>

namespace dovetail::compiler {

std::string_view abi_header();

}  // namespace dovetail::compiler
