// Static archives.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace dovetail::exporter {

// A GNU archive with its symbol table that holds this one object; equal input gives equal bytes.
std::vector<std::byte> archive_of(const std::string& name, const std::vector<std::byte>& object);

}  // namespace dovetail::exporter
