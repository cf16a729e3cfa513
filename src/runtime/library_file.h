// What a file is, before the system's loader sees it: the loader's own words for a wrong file are
// obscure, and a truncated one kills the process.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>

namespace dovetail::runtime {

// Copies a file's bytes from an offset on; how many there were.
using ReadBytes = std::function<size_t(uint64_t offset, std::span<std::byte> into)>;

// kValue unless the file of `size` bytes is the whole of a shared library in ELF, kUnsupported when
// it is one for another kind of machine. `where` names the file in messages. Its headers alone are
// read, not mapped: that would take longer than all the rest of loading a small library.
void check_library_file(const ReadBytes& read, uint64_t size, const std::string& where);

}  // namespace dovetail::runtime
