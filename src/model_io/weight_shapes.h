#pragma once

#include <string>

#include "spikelens/core/array.h"

#include "state_dict.h"
#include "weight_names.h"

namespace spikelens {

/// What of a layer a tensor may fill: a recurrent module's by its name, others by whether they are vectors.
SlotPart slot_part(const StateTensor& tensor);

/// What matches by shape: a tensor may fill a slot where these are equal. They are those of the tensor and of the slot,
/// but one recurrent weight for each channel may be one for all, whose shape is empty.
Shape matched_shape(const StateTensor& tensor);
Shape matched_shape(const WeightSlot& slot);

/// Throws InputError, opened by `where`, where the network wants nothing in the slot or another shape.
void require_shape(const StateTensor& tensor, const WeightSlot& slot, const std::string& where);

}  // namespace spikelens
