// SPDX-License-Identifier: MIT
/*
 * refuse.c - what this driver does not have, refused as the specification says
 *
 * No images, no samplers, no pipes, no shared virtual memory, no native
 * kernels. Handles are still looked at, so that each call has the error that a
 * device with all of these would give.
 */
#include <string.h>

#include "queue.h"

/* Images */

static cl_mem no_image(cl_context context, cl_int *errcode_ret)
{
	return fail(errcode_ret, context_is(context) ? CL_INVALID_OPERATION :
						       CL_INVALID_CONTEXT);
}

cl_mem clCreateImage(cl_context context, cl_mem_flags flags,
		     const cl_image_format *image_format,
		     const cl_image_desc *image_desc, void *host_ptr,
		     cl_int *errcode_ret)
{
	return no_image(context, errcode_ret);
}

cl_mem clCreateImageWithProperties(cl_context context,
				   const cl_mem_properties *properties,
				   cl_mem_flags flags,
				   const cl_image_format *image_format,
				   const cl_image_desc *image_desc,
				   void *host_ptr, cl_int *errcode_ret)
{
	return no_image(context, errcode_ret);
}

cl_mem clCreateImage2D(cl_context context, cl_mem_flags flags,
		       const cl_image_format *image_format, size_t image_width,
		       size_t image_height, size_t image_row_pitch,
		       void *host_ptr, cl_int *errcode_ret)
{
	return no_image(context, errcode_ret);
}

cl_mem clCreateImage3D(cl_context context, cl_mem_flags flags,
		       const cl_image_format *image_format, size_t image_width,
		       size_t image_height, size_t image_depth,
		       size_t image_row_pitch, size_t image_slice_pitch,
		       void *host_ptr, cl_int *errcode_ret)
{
	return no_image(context, errcode_ret);
}

cl_int clGetSupportedImageFormats(cl_context context, cl_mem_flags flags,
				  cl_mem_object_type image_type,
				  cl_uint num_entries,
				  cl_image_format *image_formats,
				  cl_uint *num_image_formats)
{
	if (!context_is(context))
		return CL_INVALID_CONTEXT;
	if (image_type < CL_MEM_OBJECT_IMAGE2D ||
	    image_type > CL_MEM_OBJECT_IMAGE1D_BUFFER ||
	    (!num_entries && image_formats))
		return CL_INVALID_VALUE;
	if (num_image_formats)
		*num_image_formats = 0;
	return CL_SUCCESS;
}

cl_int clGetImageInfo(cl_mem image, cl_image_info param_name,
		      size_t param_value_size, void *param_value,
		      size_t *param_value_size_ret)
{
	return CL_INVALID_MEM_OBJECT;
}

/* Commands of which the queue's device has none. */
static cl_int no_command(cl_command_queue queue, cl_uint n,
			 const cl_event *events)
{
	cl_int ret = enqueue_check(queue, (struct wait_list){ n, events });

	return ret ? ret : CL_INVALID_OPERATION;
}

cl_int clEnqueueReadImage(cl_command_queue queue, cl_mem image,
			  cl_bool blocking_read, const size_t *origin,
			  const size_t *region, size_t row_pitch,
			  size_t slice_pitch, void *ptr, cl_uint n,
			  const cl_event *events, cl_event *event)
{
	return no_command(queue, n, events);
}

cl_int clEnqueueWriteImage(cl_command_queue queue, cl_mem image,
			   cl_bool blocking_write, const size_t *origin,
			   const size_t *region, size_t row_pitch,
			   size_t slice_pitch, const void *ptr, cl_uint n,
			   const cl_event *events, cl_event *event)
{
	return no_command(queue, n, events);
}

cl_int clEnqueueFillImage(cl_command_queue queue, cl_mem image,
			  const void *fill_color, const size_t *origin,
			  const size_t *region, cl_uint n,
			  const cl_event *events, cl_event *event)
{
	return no_command(queue, n, events);
}

cl_int clEnqueueCopyImage(cl_command_queue queue, cl_mem src_image,
			  cl_mem dst_image, const size_t *src_origin,
			  const size_t *dst_origin, const size_t *region,
			  cl_uint n, const cl_event *events, cl_event *event)
{
	return no_command(queue, n, events);
}

cl_int clEnqueueCopyImageToBuffer(cl_command_queue queue, cl_mem src_image,
				  cl_mem dst_buffer, const size_t *src_origin,
				  const size_t *region, size_t dst_offset,
				  cl_uint n, const cl_event *events,
				  cl_event *event)
{
	return no_command(queue, n, events);
}

cl_int clEnqueueCopyBufferToImage(cl_command_queue queue, cl_mem src_buffer,
				  cl_mem dst_image, size_t src_offset,
				  const size_t *dst_origin,
				  const size_t *region, cl_uint n,
				  const cl_event *events, cl_event *event)
{
	return no_command(queue, n, events);
}

void *clEnqueueMapImage(cl_command_queue queue, cl_mem image,
			cl_bool blocking_map, cl_map_flags map_flags,
			const size_t *origin, const size_t *region,
			size_t *image_row_pitch, size_t *image_slice_pitch,
			cl_uint n, const cl_event *events, cl_event *event,
			cl_int *errcode_ret)
{
	return fail(errcode_ret, no_command(queue, n, events));
}

/* Samplers */

cl_sampler clCreateSampler(cl_context context, cl_bool normalized_coords,
			   cl_addressing_mode addressing_mode,
			   cl_filter_mode filter_mode, cl_int *errcode_ret)
{
	return (cl_sampler)no_image(context, errcode_ret);
}

cl_sampler clCreateSamplerWithProperties(cl_context context,
		const cl_sampler_properties *properties, cl_int *errcode_ret)
{
	return (cl_sampler)no_image(context, errcode_ret);
}

cl_int clRetainSampler(cl_sampler sampler)
{
	return CL_INVALID_SAMPLER;
}

cl_int clReleaseSampler(cl_sampler sampler)
{
	return CL_INVALID_SAMPLER;
}

cl_int clGetSamplerInfo(cl_sampler sampler, cl_sampler_info param_name,
			size_t param_value_size, void *param_value,
			size_t *param_value_size_ret)
{
	return CL_INVALID_SAMPLER;
}

/* Pipes */

cl_mem clCreatePipe(cl_context context, cl_mem_flags flags,
		    cl_uint pipe_packet_size, cl_uint pipe_max_packets,
		    const cl_pipe_properties *properties, cl_int *errcode_ret)
{
	return no_image(context, errcode_ret);
}

cl_int clGetPipeInfo(cl_mem pipe, cl_pipe_info param_name,
		     size_t param_value_size, void *param_value,
		     size_t *param_value_size_ret)
{
	return CL_INVALID_MEM_OBJECT;
}

/* Shared virtual memory */

void *clSVMAlloc(cl_context context, cl_svm_mem_flags flags, size_t size,
		 cl_uint alignment)
{
	return NULL;
}

void clSVMFree(cl_context context, void *svm_pointer)
{
}

cl_int clEnqueueSVMFree(cl_command_queue queue, cl_uint num_svm_pointers,
			void *svm_pointers[],
			void (CL_CALLBACK *pfn_free_func)(cl_command_queue,
				cl_uint, void *[], void *),
			void *user_data, cl_uint n, const cl_event *events,
			cl_event *event)
{
	return no_command(queue, n, events);
}

cl_int clEnqueueSVMMemcpy(cl_command_queue queue, cl_bool blocking_copy,
			  void *dst_ptr, const void *src_ptr, size_t size,
			  cl_uint n, const cl_event *events, cl_event *event)
{
	return no_command(queue, n, events);
}

cl_int clEnqueueSVMMemFill(cl_command_queue queue, void *svm_ptr,
			   const void *pattern, size_t pattern_size,
			   size_t size, cl_uint n, const cl_event *events,
			   cl_event *event)
{
	return no_command(queue, n, events);
}

cl_int clEnqueueSVMMap(cl_command_queue queue, cl_bool blocking_map,
		       cl_map_flags flags, void *svm_ptr, size_t size,
		       cl_uint n, const cl_event *events, cl_event *event)
{
	return no_command(queue, n, events);
}

cl_int clEnqueueSVMUnmap(cl_command_queue queue, void *svm_ptr, cl_uint n,
			 const cl_event *events, cl_event *event)
{
	return no_command(queue, n, events);
}

cl_int clEnqueueSVMMigrateMem(cl_command_queue queue,
			      cl_uint num_svm_pointers,
			      const void **svm_pointers, const size_t *sizes,
			      cl_mem_migration_flags flags, cl_uint n,
			      const cl_event *events, cl_event *event)
{
	return no_command(queue, n, events);
}

/* Functions of the host as kernels */

cl_int clEnqueueNativeKernel(cl_command_queue queue,
			     void (CL_CALLBACK *user_func)(void *), void *args,
			     size_t cb_args, cl_uint num_mem_objects,
			     const cl_mem *mem_list, const void **args_mem_loc,
			     cl_uint n, const cl_event *events,
			     cl_event *event)
{
	cl_int ret = enqueue_check(queue, (struct wait_list){ n, events });

	if (ret)
		return ret;
	if (!user_func || !args != !cb_args || (!args && num_mem_objects) ||
	    !num_mem_objects != !mem_list || !num_mem_objects != !args_mem_loc)
		return CL_INVALID_VALUE;
	return CL_INVALID_OPERATION;
}
