#pragma once

#include <string>

#include "spikelens/core/error.h"

namespace spikelens {

/// The sentence of the InputError that `call` throws; "" when it throws none.
template <class Call>
std::string input_error(Call call) {
    try {
        call();
    } catch (const InputError& error) {
        return error.what();
    }
    return "";
}

}  // namespace spikelens
