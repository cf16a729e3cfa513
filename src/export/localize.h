// Makes a relocatable ELF object's own names private.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace dovetail::exporter {

// Every defined global symbol but `exported` becomes local, so that any number of such objects link
// into one program. Symbols are reordered (locals first) and relocations follow.
void localize_symbols(std::vector<std::byte>* object, const std::vector<std::string>& exported);

}  // namespace dovetail::exporter
