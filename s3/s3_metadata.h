/*
 * Credentials from services beside the process: the endpoint of a container platform (ECS, EKS Pod
 * Identity), and the instance metadata service of EC2, version 2 only. Never through a proxy.
 * Stateless and thread-safe.
 *
 * Source: AWS SDKs and Tools Reference Guide, "Container credential provider" and "IMDS credential
 * provider".
 */
#ifndef CAIRN_S3_METADATA_H
#define CAIRN_S3_METADATA_H

#include "s3_credentials.h"

/* The environment names a container endpoint. */
bool s3_container_is_set(const s3_environment *env);

/*
 * CAIRN_E_INVALID for an endpoint that may not be asked: plain http is for loopback addresses,
 * 169.254.170.2, 169.254.170.23 and [fd00:ec2::23] alone. A token file is read anew each time.
 */
cairn_code s3_container_keys(const s3_environment *env, const char *ca_file, const cairn_call *call,
                             s3_keys *out, cairn_error *err);

/* CAIRN_E_ACCESS: the instance has no role; CAIRN_E_UNAVAILABLE: nobody answered. */
cairn_code s3_instance_keys(const s3_environment *env, const cairn_call *call, s3_keys *out,
                            cairn_error *err);

#endif
