import { PolicyPack } from "@pulumi/policy";
import { packArgs } from "./pack/pack";

new PolicyPack("forma3d", packArgs());
