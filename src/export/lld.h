// lld as a library: the one door to it.
#pragma once

#include <string>
#include <vector>

namespace dovetail::exporter {

// Runs the ELF linker in this process with these arguments (without argv[0]), one at a time: lld is
// not thread safe. kIo carries its messages.
void run_lld_elf(const std::vector<std::string>& arguments);

}  // namespace dovetail::exporter
