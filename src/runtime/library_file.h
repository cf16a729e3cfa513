// What a file is, before the system's loader sees it: the loader's own words for a wrong file are
// obscure, and a truncated one kills the process.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace dovetail::runtime {

// kValue unless `file` is the whole of a shared library in ELF, kUnsupported when it is one for
// another kind of machine. `where` names the file in messages.
void check_library_file(std::span<const std::byte> file, const std::string& where);

}  // namespace dovetail::runtime
