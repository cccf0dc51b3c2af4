// The schema files of sql/schema/, in order of their names, as text inside the binary.
#pragma once

#include <string_view>
#include <vector>

namespace lidb {

std::vector<std::string_view> migrations();

}  // namespace lidb
