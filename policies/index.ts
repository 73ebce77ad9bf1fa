import { PolicyPack } from "@pulumi/policy";
import { packArgs } from "./pack";

new PolicyPack("forma3d", packArgs());
